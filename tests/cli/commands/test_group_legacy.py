"""`group legacy` over the store in memory, with documents as consumers of Kafka 0.8 wrote them."""

from cli.commands.group.legacy import legacy_group
from coordination.memory_store import MemoryStore
from coordination.values import TopicPartition
from tests.cli.commands.test_controller import filled

MEMBER = b'{"version":1,"subscription":{"orders":2},"pattern":"static","timestamp":"1421900000000"}'
ROOT = "/kafka/consumers/old"


async def test_a_group_of_old_consumers() -> None:
    session = await MemoryStore().open_session()
    assert await legacy_group(session, "/kafka", "old") is None
    await filled(
        session,
        {
            f"{ROOT}/ids/old_host-1": MEMBER,
            f"{ROOT}/ids/old_host-2": b"garbage",
            f"{ROOT}/owners/orders/0": b"old_host-1-0",
            f"{ROOT}/offsets/orders/0": b"42",
            f"{ROOT}/offsets/orders/10": b"7",
            f"{ROOT}/offsets/orders/9": b"?",
        },
    )
    found = await legacy_group(session, "/kafka", "old")
    assert found is not None
    assert found.members == {"old_host-1": {"orders": 2}, "old_host-2": {}}
    assert found.owners == {TopicPartition("orders", 0): "old_host-1-0"}
    assert list(found.offsets.items()) == [
        (TopicPartition("orders", 0), 42),
        (TopicPartition("orders", 9), None),
        (TopicPartition("orders", 10), 7),
    ]
