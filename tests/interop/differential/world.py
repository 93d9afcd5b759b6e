"""What a test finds in both brokers: topics with records, groups, transactions.

Each test has its own, under names that end in the test's: what one does to them no other sees.

    topics        plain (3 partitions; 0 has batches of every codec and transactions, 1 has lost its
                  first records, 2 is empty), compacted, small, stamped, gzip
    groups        living (one member, who needs no heartbeat for half an hour), stored (offsets, no
                  members), and `this`: one that each example has for itself
    transactions  ongoing, ended (committed), and `this`
"""

from typing import Any

import attrs

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.compression import Compression
from broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
)
from broker.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from broker.wire.messages.end_txn import EndTxnRequest
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.init_producer_id import InitProducerIdRequest
from broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from broker.wire.records import Record
from tests.interop.differential.pair import Pair
from tests.interop.differential.pools import REBALANCE_MS
from tests.interop.differential.produced import TIMESTAMP_MS, Produced
from tests.interop.differential.symbols import Symbol
from tests.support.waiting import wait_until

TOPICS: dict[str, tuple[int, dict[str, str]]] = {
    "plain": (3, {}),
    "compacted": (1, {"cleanup.policy": "compact"}),
    "small": (1, {"max.message.bytes": "300"}),
    "stamped": (1, {"message.timestamp.type": "LogAppendTime"}),
    "gzip": (1, {"compression.type": "gzip"}),
}
INTERNAL = ("__consumer_offsets", "__transaction_state")
READY_S = 30.0


@attrs.define
class World:
    """A test's own topics, groups and transactions in both brokers."""

    pair: Pair
    suffix: str
    _examples: int = 0

    def make(self) -> None:
        self._make_topics()
        self._fill_topics()
        for name in ("living", "stored"):
            self.pair.name("group", name, f"{name}-{self.suffix}")
        self._make_groups()
        for name in ("ongoing", "ended"):
            self.pair.name("transactional id", name, f"{name}-{self.suffix}")
        self._make_transactions()
        self._learn_internal_topics()

    def next_example(self) -> None:
        """A group, a transactional id and a producer that nobody has used before."""
        self._examples += 1
        self.pair.forget("this")
        mine = f"{self.suffix}-{self._examples}"
        self.pair.name("group", "this", f"this-{mine}")
        self.pair.name("transactional id", "this", f"this-{mine}")
        self.pair.name("producer", "fresh", 1_000_000 + self._examples)
        self.pair.name("epoch", "fresh", 0)

    def _both(self, key: ApiKey, version: int, request: Any) -> tuple[Any, Any]:
        answers = self.pair.ask(key, version, request, READY_S)
        for answer in answers:
            assert isinstance(answer, API_TABLE[key].response_class), f"{key.name}: {answer}"
        return answers

    def _make_topics(self) -> None:
        for name in TOPICS:
            self.pair.name("topic", name, f"{name}-{self.suffix}")
        request = CreateTopicsRequest(
            timeout_ms=30_000,
            topics=[
                CreatableTopic(
                    name=Symbol("topic", name),  # type: ignore[arg-type]
                    num_partitions=partitions,
                    replication_factor=1,
                    configs=[
                        CreatableTopicConfig(name=key, value=value)
                        for key, value in configs.items()
                    ],
                )
                for name, (partitions, configs) in TOPICS.items()
            ],
        )
        for answer in self._both(ApiKey.CREATE_TOPICS, 7, request):
            assert all(topic.error_code == 0 for topic in answer.topics), answer
        wait_until("both to lead the topics", self._are_led, READY_S)

    def _are_led(self) -> bool:
        request = MetadataRequest(
            topics=[MetadataRequestTopic(name=Symbol("topic", name)) for name in TOPICS]  # type: ignore[arg-type]
        )
        answers = self._both(ApiKey.METADATA, 12, request)
        for side, answer in zip(self.pair.sides, answers, strict=True):
            for topic in answer.topics:
                if topic.error_code or any(p.error_code for p in topic.partitions):
                    return False
                [name] = [n for n in TOPICS if f"{n}-{self.suffix}" == topic.name]
                side.names.learn(Symbol("topic id", name), topic.topic_id)
        return True

    def _learn_internal_topics(self) -> None:
        """The coordinators' topics have ids, too."""
        request = MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in INTERNAL])
        answers = self._both(ApiKey.METADATA, 12, request)
        for side, answer in zip(self.pair.sides, answers, strict=True):
            for topic in answer.topics:
                side.names.learn(Symbol("topic id", topic.name), topic.topic_id)

    def _fill_topics(self) -> None:
        keyed = (Record(b"a", b"1", TIMESTAMP_MS), Record(b"b", b"2", TIMESTAMP_MS + 1))
        for codec in Compression:
            self.produce("plain", 0, Produced(keyed, codec))
        for _ in range(4):
            self.produce("plain", 1, Produced())
        for name in ("compacted", "small", "stamped", "gzip"):
            self.produce(name, 0, Produced(keyed))
            self.produce(name, 0, Produced(keyed, Compression.LZ4))
        cut = DeleteRecordsPartition(partition_index=1, offset=2)
        topic = DeleteRecordsTopic(name=Symbol("topic", "plain"), partitions=[cut])  # type: ignore[arg-type]
        self._both(
            ApiKey.DELETE_RECORDS, 2, DeleteRecordsRequest(topics=[topic], timeout_ms=10_000)
        )

    def produce(self, topic: str, partition: int, batch: Produced) -> None:
        data = PartitionProduceData(index=partition, records=batch)  # type: ignore[arg-type]
        request = ProduceRequest(
            acks=-1,
            timeout_ms=10_000,
            transactional_id=Symbol("transactional id", batch.producer.name)  # type: ignore[arg-type]
            if batch.transactional
            else None,
            topic_data=[TopicProduceData(name=Symbol("topic", topic), partition_data=[data])],  # type: ignore[arg-type]
        )
        for answer in self._both(ApiKey.PRODUCE, 11, request):
            assert answer.responses[0].partition_responses[0].error_code == 0, answer

    def _make_groups(self) -> None:
        self._find_coordinator(0, Symbol("group", "living"))
        living = Symbol("group", "living")
        join = JoinGroupRequest(
            group_id=living,  # type: ignore[arg-type]
            session_timeout_ms=1_800_000,
            rebalance_timeout_ms=REBALANCE_MS,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=b"")],
        )
        self._both(ApiKey.JOIN_GROUP, 3, join)
        member: Any = Symbol("member", "living")
        mine = SyncGroupRequestAssignment(member_id=member, assignment=b"assigned")
        sync = SyncGroupRequest(
            group_id=living,  # type: ignore[arg-type]
            generation_id=Symbol("generation", "living"),  # type: ignore[arg-type]
            member_id=member,
            assignments=[mine],
        )
        for answer in self._both(ApiKey.SYNC_GROUP, 3, sync):
            assert answer.error_code == 0, answer
        for group, options in (
            ("stored", {}),
            (
                "living",
                {
                    "member_id": member,
                    "generation_id_or_member_epoch": Symbol("generation", "living"),
                },
            ),
        ):
            offsets = [
                OffsetCommitRequestPartition(partition_index=partition, committed_offset=2)
                for partition in (0, 1)
            ]
            topic = OffsetCommitRequestTopic(
                name=Symbol("topic", "plain"),  # type: ignore[arg-type]
                partitions=offsets,
            )
            commit = OffsetCommitRequest(
                group_id=Symbol("group", group),  # type: ignore[arg-type]
                topics=[topic],
                **options,  # type: ignore[arg-type]
            )
            for answer in self._both(ApiKey.OFFSET_COMMIT, 7, commit):
                assert answer.topics[0].partitions[0].error_code == 0, answer

    def _find_coordinator(self, key_type: int, name: Symbol) -> None:
        """The coordinators' topic is made when somebody asks for one of them."""
        request = FindCoordinatorRequest(key_type=key_type, coordinator_keys=[name])  # type: ignore[list-item]
        self._both(ApiKey.FIND_COORDINATOR, 4, request)

    def _make_transactions(self) -> None:
        self._find_coordinator(1, Symbol("transactional id", "ended"))
        for name in ("ended", "ongoing"):
            whose: dict[str, Any] = {
                "transactional_id": Symbol("transactional id", name),
                "producer_id": Symbol("producer", name),
                "producer_epoch": Symbol("epoch", name),
            }
            init = InitProducerIdRequest(
                transactional_id=whose["transactional_id"], transaction_timeout_ms=600_000
            )
            for answer in self._both(ApiKey.INIT_PRODUCER_ID, 3, init):
                assert answer.error_code == 0, answer
            topic = AddPartitionsToTxnTopic(
                name=Symbol("topic", "plain"),  # type: ignore[arg-type]
                partitions=[0],
            )
            add = AddPartitionsToTxnRequest(
                **{f"v3_and_below_{field}": value for field, value in whose.items()},
                v3_and_below_topics=[topic],
            )
            self._both(ApiKey.ADD_PARTITIONS_TO_TXN, 3, add)
            batch = Produced(
                producer=whose["producer_id"],
                epoch=whose["producer_epoch"],
                sequence=0,
                transactional=True,
            )
            self.produce("plain", 0, batch)
            if name == "ended":
                for answer in self._both(ApiKey.END_TXN, 3, EndTxnRequest(**whose, committed=True)):
                    assert answer.error_code == 0, answer
