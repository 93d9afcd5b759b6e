"""Row 25: a foreign writer wipes the topic id.

An admin tool older than Kafka 2.8 that writes to ZooKeeper itself (`kafka-topics --zookeeper
--alter --partitions`) writes a topic's znode as it knows it, version 2, without the topic's id.
A controller that gave the topic a new one would make strangers of its replicas, which carry the old
id in their directories. Source: KAFKA-14190. Provoked by writing such a znode by hand: beneath a
controller, which restores the id that it knows, and while there is none; then the next one can only
give a new id, and the brokers refuse it loudly, with INCONSISTENT_TOPIC_ID (they keep what they
have).
"""

from pathlib import Path
from uuid import UUID

from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from coordination.znodes import decode_topic, paths
from tests.broker.support import lead, open_broker
from tests.failures.interrupted import InterruptedWorld, three_brokers

VERSION_2 = (
    '{"version":2,"partitions":{"0":[1,2],"1":[2,1]},"adding_replicas":{},"removing_replicas":{}}'
)
WRITE = f"write {paths.topic('orders')} '{VERSION_2}'"


def topic_id(world: InterruptedWorld) -> UUID | None:
    return decode_topic("orders", world.tree.node(paths.topic("orders"))).topic_id


def test_the_controller_restores_the_id_that_it_knows() -> None:
    world = three_brokers("topic orders 0=1,2", "controller 1")
    before = topic_id(world)
    assert before is not None
    world.script(WRITE)
    assert topic_id(world) == before
    context = world.controllers[1].context
    assert context.topic_ids == {"orders": before}
    assert TopicPartition("orders", 1) in context.leadership, "the partition it added is led"


def test_without_a_controller_the_loss_is_loud() -> None:
    world = three_brokers("topic orders 0=1,2", "controller 1")
    before = topic_id(world)
    world.active = None
    world.script(WRITE)
    world.script("controller 2")
    assert topic_id(world) not in (None, before)
    said = world.output
    assert any("topic.id_given" in line and "orders" in line for line in said)


async def test_a_broker_does_not_take_another_topics_place(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "orders-0")
        answer = await lead(broker, "orders-0", leader_epoch=1, id_of_topic=UUID(int=1000))
        [topic] = answer.topics
        assert topic.partition_errors[0].error_code == ErrorCode.INCONSISTENT_TOPIC_ID
        partition = broker.replicas.partitions[TopicPartition("orders", 0)]
        assert partition.leader_epoch == 0
