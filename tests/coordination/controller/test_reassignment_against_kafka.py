"""The real Kafka's controller and ours reassign the same partitions: the same znodes at each step.

As in test_against_kafka the brokers of the story are only registrations. What they would say, a
leader's AlterPartition, is said for them: to Kafka over the wire, to ours directly. One partition a
topic: of several that are asked for together Kafka writes each by itself, and the topic's znode has
another version.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from broker.wire.apis import ApiKey
from broker.wire.messages import alter_partition as ap
from broker.wire.messages import alter_partition_reassignments as ar
from coordination.controller.requests import (
    AlterPartition,
    AlterPartitionReassignments,
    AlterPartitionTopic,
    IsrProposal,
)
from coordination.controller.runner import ControllerSeat
from coordination.store import Session
from coordination.topics import create_topic
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import (
    decode_partition_state,
    decode_reassignment,
    encode_reassignment,
    paths,
)
from tests.coordination.controller.test_against_kafka import (
    CONTROLLER,
    LONELY_ID,
    ORDERS_ID,
    PATIENCE_S,
    Side,
    both,
    make_root,
    our_controller,
    same_tree,
    side,
    state,
)
from tests.support.broker_process import running_broker
from tests.support.raw_client import RawClient

pytestmark = [pytest.mark.server, pytest.mark.matrix]

ORDERS, LINES = TopicPartition("orders", 0), TopicPartition("lines", 0)
TOPIC_IDS = {"orders": ORDERS_ID, "lines": LONELY_ID}


@attrs.frozen
class Asked:
    """A cluster's controller, as brokers and admins ask it."""

    side: Side
    controller: ControllerSeat | RawClient

    async def reassign(self, tp: TopicPartition, replicas: tuple[int, ...] | None) -> None:
        if isinstance(self.controller, ControllerSeat):
            answer = await self.controller.submit(AlterPartitionReassignments({tp: replicas}))
            assert answer == {tp: None}
            return
        wanted = ar.ReassignablePartition(
            partition_index=tp.partition, replicas=None if replicas is None else list(replicas)
        )
        topic = ar.ReassignableTopic(name=tp.topic, partitions=[wanted])
        request = ar.AlterPartitionReassignmentsRequest(topics=[topic])
        response = await self._over_the_wire(ApiKey.ALTER_PARTITION_REASSIGNMENTS, 0, request)
        assert response.responses[0].partitions[0].error_code == 0, response

    async def alter_isr(self, tp: TopicPartition, isr: tuple[int, ...]) -> None:
        """As the partition's leader does when a follower has caught up."""
        now = await leader_and_isr(self.side.admin, tp)
        registration = await self.side.admin.get(paths.broker(now.leader))
        epoch = registration.stat.czxid
        if isinstance(self.controller, ControllerSeat):
            proposal = IsrProposal(now.leader_epoch, now.partition_epoch, dict.fromkeys(isr, -1))
            topic = AlterPartitionTopic(TOPIC_IDS[tp.topic], {tp.partition: proposal})
            answer = await self.controller.submit(AlterPartition(now.leader, epoch, [topic]))
            assert isinstance(answer, dict)
            assert isinstance(answer[TOPIC_IDS[tp.topic], tp.partition], LeaderAndIsr), answer  # type: ignore[index]
            return
        wanted = ap.RequestPartitionData(
            partition_index=tp.partition,
            leader_epoch=now.leader_epoch,
            partition_epoch=now.partition_epoch,
            new_isr_with_epochs=[
                ap.BrokerState(broker_id=broker_id, broker_epoch=-1) for broker_id in isr
            ],
        )
        topics = [ap.RequestTopicData(topic_id=TOPIC_IDS[tp.topic], partitions=[wanted])]
        request = ap.AlterPartitionRequest(broker_id=now.leader, broker_epoch=epoch, topics=topics)
        response = await self._over_the_wire(ApiKey.ALTER_PARTITION, 3, request)
        assert response.error_code == 0, response
        assert response.topics[0].partitions[0].error_code == 0, response

    async def _over_the_wire(self, api_key: ApiKey, version: int, request: object) -> Any:
        assert isinstance(self.controller, RawClient)
        return await trio.to_thread.run_sync(self.controller.ask, api_key, version, request)


async def leader_and_isr(admin: Session, tp: TopicPartition) -> LeaderAndIsr:
    return decode_partition_state(tp, await admin.get(paths.partition_state(tp)))


@pytest.fixture
def clusters(zookeeper: str, tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """Connect strings of two clusters, and the address of the first one's controller, a Kafka."""
    theirs, ours = f"{zookeeper}/theirs", f"{zookeeper}/ours"
    make_root(theirs)
    make_root(ours)
    with running_broker("kafka", CONTROLLER, theirs, tmp_path) as kafka:
        yield theirs, ours, f"127.0.0.1:{kafka.port}"


async def test_the_same_reassignments_leave_the_same_znodes(
    clusters: tuple[str, str, str],
) -> None:
    async with side(clusters[0]) as theirs, side(clusters[1]) as ours, our_controller(ours) as seat:
        with RawClient(clusters[2]) as kafka:
            await tell([Asked(theirs, kafka), Asked(ours, seat)])


async def tell(clusters: list[Asked]) -> None:
    sides = [each.side for each in clusters]
    same = partial(same_tree, sides)
    orders, lines = paths.topic("orders"), paths.topic("lines")

    async def reassign(tp: TopicPartition, replicas: tuple[int, ...] | None) -> None:
        for cluster in clusters:
            await cluster.reassign(tp, replicas)

    async def in_sync(tp: TopicPartition, *isr: int) -> None:
        for cluster in clusters:
            await cluster.alter_isr(tp, isr)

    for broker_id in (11, 12, 13, 14):
        await both(sides, lambda s, b=broker_id: s.start_broker(b))
    for tp, replicas in {ORDERS: [11, 12], LINES: [12, 11]}.items():
        new = partial(create_topic, topic=tp.topic, assignment={0: replicas}, config={})
        await both(sides, lambda s, n=new, t=tp: n(s.admin, topic_id=TOPIC_IDS[t.topic]))
    await same(state("lines", 0), {"leader": 12, "leader_epoch": 0})

    # From 11,12 to 13,14: told, in sync one by one, over.
    await reassign(ORDERS, (13, 14))
    await same(orders, {"adding_replicas": {"0": [13, 14]}, "removing_replicas": {"0": [11, 12]}})
    await same(state("orders", 0), {"leader": 11, "leader_epoch": 1})
    await in_sync(ORDERS, 11, 12, 13)
    await in_sync(ORDERS, 11, 12, 13, 14)
    await same(orders, {"adding_replicas": {}, "removing_replicas": {}})
    await same(state("orders", 0), {"leader": 13, "isr": [13, 14], "leader_epoch": 4})

    # Only another order, only one more, only one less.
    await reassign(ORDERS, (14, 13))
    await reassign(ORDERS, (14, 13, 11))
    await in_sync(ORDERS, 13, 14, 11)
    await reassign(ORDERS, (14, 13))
    await same(orders, {"partitions": {"0": [14, 13]}})

    # Cancelled, with one of the new ones in sync already; replaced by another.
    await reassign(LINES, (13, 14))
    await in_sync(LINES, 12, 11, 13)
    await reassign(LINES, None)
    await same(state("lines", 0), {"leader": 12, "isr": [12, 11]})
    await reassign(LINES, (13, 14))
    await reassign(LINES, (14, 11))
    await same(lines, {"adding_replicas": {"0": [14]}, "removing_replicas": {"0": [12]}})
    await in_sync(LINES, 12, 11, 14)
    await same(state("lines", 0), {"leader": 14, "isr": [11, 14]})

    # A new one dies on the way and comes back; then the controller changes.
    await reassign(LINES, (12, 13))
    await in_sync(LINES, 14, 11, 12)
    await both(sides, lambda s: s.stop_broker(12))
    await same(state("lines", 0), {"isr": [14, 11]})
    await both(sides, lambda s: s.start_broker(12))
    await same(lines, {"removing_replicas": {"0": [14, 11]}})
    await both(sides, lambda s: s.admin.delete(paths.CONTROLLER))
    await same(state("lines", 0), {"controller_epoch": 2})
    await in_sync(LINES, 14, 11, 12, 13)
    await same(state("lines", 0), {"leader": 12, "isr": [12, 13]})

    # By the znode, which is gone when it is over.
    asked = encode_reassignment({ORDERS: (11, 12), LINES: (12, 11)})
    await both(sides, lambda s: s.admin.create(paths.REASSIGN_PARTITIONS, asked))
    await same(orders, {"adding_replicas": {"0": [11, 12]}})
    await same(lines, {"adding_replicas": {"0": [11]}})
    await in_sync(ORDERS, 14, 13, 11, 12)
    await same(orders, {"adding_replicas": {}, "partitions": {"0": [11, 12]}})
    await both(sides, partial(asked_by_znode, expected={LINES: (12, 11)}))
    await in_sync(LINES, 12, 13, 11)
    await both(sides, partial(asked_by_znode, expected=None))


async def asked_by_znode(
    side: Side, expected: dict[TopicPartition, tuple[int, ...]] | None
) -> None:
    """/admin/reassign_partitions comes to hold what is expected, or None: is deleted."""
    found: object = "nothing yet"
    with trio.move_on_after(PATIENCE_S):
        while True:
            [node] = await side.admin.get_many([paths.REASSIGN_PARTITIONS])
            found = None if node is None else decode_reassignment(node)
            if found == expected:
                return
            await trio.sleep(0.05)  # a poll under a deadline: nobody tells when Kafka is done
    assert found == expected
