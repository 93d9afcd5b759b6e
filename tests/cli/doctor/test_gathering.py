"""One look at an ensemble: znodes in memory, a broker over a socket, one that isn't there."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)
from broker.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
)
from broker.wire.messages.fetch import FetchRequest
from broker.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from broker.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)
from cli.client.offsets import ANY_REPLICA, CONSUMER, At
from cli.doctor import brokers
from cli.doctor.facts import Facts, Sample
from cli.doctor.gathering import Ensemble, gather
from cli.doctor.verdict import examine
from coordination.memory_store import MemoryStore
from coordination.znodes import paths
from tests.cli.doctor.test_samples import BATCHES, TOPIC_ID, answer
from tests.cli.doctor.test_tree import CHROOT, DOCUMENTS, ORDERS, STATE, store_of
from tests.support.fake_broker import SILENT, FakeBroker, fake_broker

HIGH_WATERMARK, LOG_END = 100, 103


class Talk:
    """What broker 1 says; it's the leader of orders-0, and knows of itself alone."""

    def __init__(self) -> None:
        self.broker: FakeBroker | None = None
        self.ends: dict[int, int] = {CONSUMER: HIGH_WATERMARK, ANY_REPLICA: LOG_END}

    def script(self) -> dict[type, Callable[[Any], object]]:
        return {
            MetadataRequest: self.metadata,
            DescribeConfigsRequest: self.configs,
            ListOffsetsRequest: self.offsets,
            OffsetForLeaderEpochRequest: self.epochs,
            FetchRequest: lambda request: answer(request, records=BATCHES),
            DescribeProducersRequest: lambda _: DescribeProducersResponse(),
        }

    def metadata(self, _request: MetadataRequest) -> MetadataResponse:
        assert self.broker is not None
        here = self.broker.address
        return MetadataResponse(
            cluster_id="here",
            controller_id=1,
            brokers=[MetadataResponseBroker(node_id=1, host=here.host, port=here.port)],
            topics=[
                MetadataResponseTopic(
                    name="orders",
                    topic_id=TOPIC_ID,
                    partitions=[
                        MetadataResponsePartition(
                            partition_index=0,
                            leader_id=1,
                            leader_epoch=5,
                            replica_nodes=[1, 2],
                            isr_nodes=[1],
                        )
                    ],
                )
            ],
        )

    def configs(self, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
        (topic,) = request.resources
        return DescribeConfigsResponse(
            results=[
                DescribeConfigsResult(
                    resource_type=topic.resource_type,
                    resource_name=topic.resource_name,
                    configs=[DescribeConfigsResourceResult(name="cleanup.policy", value="delete")],
                )
            ]
        )

    def offsets(self, request: ListOffsetsRequest) -> ListOffsetsResponse:
        (asked,) = request.topics[0].partitions
        offset = 0 if asked.timestamp == At.EARLIEST else self.ends[request.replica_id]
        found = ListOffsetsPartitionResponse(partition_index=0, offset=offset, leader_epoch=5)
        return ListOffsetsResponse(
            topics=[ListOffsetsTopicResponse(name="orders", partitions=[found])]
        )

    def epochs(self, request: OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse:
        (asked,) = request.topics[0].partitions
        found = EpochEndOffset(partition=0, leader_epoch=asked.leader_epoch, end_offset=LOG_END)
        return OffsetForLeaderEpochResponse(
            topics=[OffsetForLeaderTopicResult(topic="orders", partitions=[found])]
        )


async def look(
    changes: dict[type, Callable[[Any], object]] | None = None,
    documents: dict[str, bytes] | None = None,
) -> Facts:
    session = await MemoryStore().open_session()
    await store_of(session, {**DOCUMENTS, **(documents or {})})
    talk = Talk()
    async with fake_broker({**talk.script(), **(changes or {})}) as broker:
        talk.broker = broker
        return await gather(Ensemble((broker.address,), session, CHROOT), lambda _: None)


async def test_a_healthy_broker() -> None:
    facts = await look()
    assert facts.znodes.states == {ORDERS: STATE}
    assert facts.silent == {}
    cached = facts.caches[1].partitions[ORDERS]
    assert (cached.leader, cached.leader_epoch, cached.isr) == (1, 5, (1,))
    logs = facts.logs[ORDERS]
    assert (logs.high_watermark, logs.latest_epoch, logs.is_compacted) == (100, 5, False)
    assert logs.replicas.keys() == {1}  # 2 isn't alive
    replica = logs.replicas[1]
    assert (replica.log_end_offset, replica.leader_epoch) == (103, 5)
    assert isinstance(replica.sample, Sample)
    assert len(replica.sample.pieces) == 2
    assert facts.hanging == ()
    again = attrs.evolve(facts, before=facts)
    assert {each.result for each in examine(again)} == {"ok"}


async def test_one_that_nobody_knows() -> None:
    """Registered, and in nobody's metadata: it can't be asked, and that is said."""
    registered = DOCUMENTS[paths.broker(1)].replace(b"9092", b"9093")
    facts = await look(documents={paths.broker(2): registered})
    assert facts.silent == {2: "no other broker says where it is"}
    assert facts.hanging is None
    broken = {each.check.name for each in examine(facts) if each.broken}
    assert broken >= {"brokers"}


@pytest.mark.parametrize(
    "silent_to", [ListOffsetsRequest, OffsetForLeaderEpochRequest, FetchRequest]
)
async def test_one_that_hangs(silent_to: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it doesn't answer: it is silent from then on, and what it said before counts."""
    monkeypatch.setattr(brokers, "PATIENCE_SECONDS", 0.05)
    facts = await look({silent_to: lambda _: SILENT})
    assert facts.silent.keys() == {1}
    assert facts.silent[1].startswith("no answer within 0.0")
    assert facts.caches[1].controller_id == 1
    assert facts.hanging is None
    logs = facts.logs[ORDERS]
    assert (logs.high_watermark is None) == (silent_to is not FetchRequest)
    assert all(each.sample is None for each in logs.replicas.values())
    results = {each.check.name: each.result for each in examine(facts)}
    assert results["brokers"] == "broken"
    assert results["records"] == "not looked at"


async def test_a_replica_that_is_not_there() -> None:
    """Its log directory has failed, say."""
    error = ErrorCode.KAFKA_STORAGE_ERROR
    gone = ListOffsetsPartitionResponse(partition_index=0, error_code=error, offset=-1)
    answered = ListOffsetsResponse(
        topics=[ListOffsetsTopicResponse(name="orders", partitions=[gone])]
    )
    facts = await look({ListOffsetsRequest: lambda _: answered})
    (replica,) = facts.logs[ORDERS].replicas.values()
    assert (replica.log_end_offset, replica.why_no_sample) == (None, "KAFKA_STORAGE_ERROR")


async def test_without_word_of_configs_every_log_may_be_compacted() -> None:
    refused = DescribeConfigsResponse(
        results=[
            DescribeConfigsResult(
                error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED,
                resource_type=2,
                resource_name="orders",
            )
        ]
    )
    facts = await look({DescribeConfigsRequest: lambda _: refused})
    assert facts.logs[ORDERS].is_compacted
    sample = facts.logs[ORDERS].replicas[1].sample
    assert sample is not None
    assert len(sample.pieces) == 10  # the records


async def test_of_what_is_deleted_nothing_is_asked() -> None:
    facts = await look(documents={paths.delete_topic("orders"): b""})
    assert facts.logs == {}
