"""`__consumer_offsets` as the group coordinator sees it: append, wait, read back.

The coordinator's records are appended like any producer's, by the leader, with
acks=all, and they're replicated and recovered like any others. Reading back
happens when this broker becomes leader of a partition of the topic.

Kafka: GroupMetadataManager.appendForGroup, doLoadGroupsAndOffsets.
"""

from collections.abc import AsyncGenerator, Sequence

import attrs
import trio

from broker.config.broker_config import BrokerConfig
from broker.groups.offsets_log import OFFSETS_TOPIC, Append
from broker.log.values import Origin
from broker.metadata_cache import MetadataCache
from broker.replica.append import ALL, Appended, append, wait_until_acknowledged
from broker.replica.manager import ReplicaManager
from broker.wire.record_batch import RecordBatch, batches, build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition


@attrs.define(eq=False)
class ReplicatedOffsetsLog:
    """Implements `broker.groups.offsets_log.OffsetsLog` over this broker's replicas."""

    config: BrokerConfig
    replicas: ReplicaManager
    metadata: MetadataCache

    @property
    def partition_count(self) -> int:
        topic = self.metadata.current.topics.get(OFFSETS_TOPIC)
        return len(topic.partitions) if topic else self.config.offsets_topic_num_partitions

    def append(self, partition: int, records: Sequence[Record]) -> Appended:
        target = TopicPartition(OFFSETS_TOPIC, partition)
        batch = memoryview(build_batch(records))
        [appended] = append(self.replicas, [(target, batch)], ALL, Origin.COORDINATOR)
        if appended.error is not None:
            raise appended.error
        return appended

    async def until_committed(self, append: Append) -> None:
        assert isinstance(append, Appended), "only what `append` returned can be waited for"
        await wait_until_acknowledged([append], self.config.offsets_commit_timeout_ms / 1000)
        if append.error is not None:
            raise append.error

    async def read(self, partition: int) -> AsyncGenerator[RecordBatch, None]:
        replica = self.replicas.find(TopicPartition(OFFSETS_TOPIC, partition))
        epoch = replica.leading().epoch
        offset, end = replica.log.log_start_offset, replica.log.log_end_offset
        while offset < end:
            replica.leading(epoch)
            found = replica.log.read(offset, self.config.offsets_load_buffer_size, end)
            if not found.regions:
                return
            for region in found.regions:
                with replica.log.local.storage:
                    data = await trio.to_thread.run_sync(region.read)
                for batch in batches(data):
                    yield batch
                    offset = batch.end_offset
