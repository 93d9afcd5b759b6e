"""What the controller does with topics' znodes: it reads them once, and writes over no change."""

import pytest

from coordination.controller import reassignment, topic_changes
from coordination.store import Node
from coordination.values import TopicAssignment, TopicPartition
from coordination.znodes import decode_topic, paths
from tests.failures.interrupted import three_brokers

MOVED = ["alter-partition orders-0 broker=1 isr=1,2", "alter-partition orders-1 broker=1 isr=1,2"]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The topics that were decoded, one entry each time."""
    topics: list[str] = []

    def counted(topic: str, node: Node) -> TopicAssignment:
        topics.append(topic)
        return decode_topic(topic, node)

    for module in (reassignment, topic_changes):
        monkeypatch.setattr(module, "decode_topic", counted)
    return topics


def test_what_the_controller_wrote_itself_is_not_decoded(decoded: list[str]) -> None:
    """Thousands of partitions that complete one by one: each decoding of all would take 50 ms."""
    world = three_brokers("topic orders 0=1 1=1", "controller 1")
    assert decoded == ["orders"]
    world.script("reassign orders-0=2 orders-1=2", *MOVED)
    assert decoded == ["orders"]
    context = world.controllers[1].context
    assert not context.being_reassigned
    found = decode_topic("orders", world.tree.node(paths.topic("orders")))
    assert found.partitions == context.topics["orders"]
    assert found.partitions[1].replicas == (2,)


def test_what_others_write_is_decoded_once(decoded: list[str]) -> None:
    world = three_brokers("topic orders 0=1 1=1", "controller 1")
    decoded.clear()
    world.script("add-partitions orders 2=1")
    world.script("reassign orders-0=2 orders-1=2", *MOVED, "reconnect")
    assert decoded == ["orders"]


def test_a_partition_that_comes_between_is_not_overlooked() -> None:
    """It is in the znode when the reassignment is written, and not yet among the controller's."""
    world = three_brokers("topic orders 0=1", "controller 1")
    world.script("hold add-partitions orders 1=2,3", "reassign orders-0=2")
    assert TopicPartition("orders", 1) in world.controllers[1].context.leadership


def test_growth_is_refused_only_as_it_was_read() -> None:
    """While a topic is to be deleted. Who writes at that moment, perhaps another topic of the
    name, is not overwritten: what was read is refused, and again what is there."""
    world = three_brokers("topic orders 0=1", "controller 1", "delete-topic orders")
    more = world.tree.node(paths.topic("orders")).data.decode()
    more = more.replace('"0":[1]', '"0":[1],"1":[2],"2":[3]')
    world.script(f"interfere {paths.topic('orders')} '{more}'", "add-partitions orders 1=2")
    refused = [line for line in world.output if "topic.partitions_refused" in line]
    assert ["partitions=[1]" in refused[0], "partitions=[1,2]" in refused[1]] == [True, True]
    found = decode_topic("orders", world.tree.node(paths.topic("orders")))
    assert list(found.partitions) == [0]
