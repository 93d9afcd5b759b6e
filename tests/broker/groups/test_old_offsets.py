"""Offsets in ZooKeeper, as OffsetCommit 0 and OffsetFetch 0 want them."""

import attrs
import pytest
from trio.testing import MockClock

from broker.groups.old_offsets import ZooKeeperOffsets
from broker.wire.errors import ErrorCode, KafkaError
from coordination.memory_store import MemoryStore
from coordination.store import Session
from coordination.values import TopicPartition

T0 = TopicPartition("t", 0)


@attrs.frozen
class OneSession:
    current: Session

    async def session(self) -> Session:
        return self.current


async def test_what_is_set_is_there(autojump_clock: MockClock) -> None:
    session = await MemoryStore().open_session()
    offsets = ZooKeeperOffsets(OneSession(session))
    assert await offsets.get("g", T0) is None
    await offsets.set("g", T0, 5)
    await offsets.set("g", T0, 6)
    await offsets.set("g", TopicPartition("t", 1), 7)
    assert await offsets.get("g", T0) == 6
    assert (await session.get("/consumers/g/offsets/t/0")).data == b"6"


@pytest.mark.parametrize("data", [b"five", b"", b"\xff", b"9223372036854775808"])
async def test_what_cannot_be_read_is_an_error(autojump_clock: MockClock, data: bytes) -> None:
    session = await MemoryStore().open_session()
    offsets = ZooKeeperOffsets(OneSession(session))
    await offsets.set("g", T0, 5)
    await session.set("/consumers/g/offsets/t/0", data)
    with pytest.raises(KafkaError) as refused:
        await offsets.get("g", T0)
    assert refused.value.code is ErrorCode.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize("group", ["", "a/b", "..", "."])
async def test_a_group_that_is_no_path(autojump_clock: MockClock, group: str) -> None:
    offsets = ZooKeeperOffsets(OneSession(await MemoryStore().open_session()))
    with pytest.raises(KafkaError) as refused:
        await offsets.get(group, T0)
    assert refused.value.code is ErrorCode.INVALID_GROUP_ID


async def test_a_zookeeper_that_is_away(autojump_clock: MockClock) -> None:
    session = await MemoryStore().open_session()
    session.suspend()
    with pytest.raises(KafkaError) as refused:
        await ZooKeeperOffsets(OneSession(session)).set("g", T0, 5)
    assert refused.value.code is ErrorCode.REQUEST_TIMED_OUT
