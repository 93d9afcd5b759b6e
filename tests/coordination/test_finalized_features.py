"""What a broker knows of /feature, as it is made, changed, damaged and deleted."""

import pytest
import trio
import trio.testing

from coordination.finalized_features import UNKNOWN_EPOCH, FinalizedFeatures
from coordination.memory_store import MemoryStore
from coordination.znodes import Feature, encode_feature, paths
from tests.coordination.trace import Trace

EMPTY = encode_feature(Feature(enabled=True))


async def test_it_follows_the_znode() -> None:
    session = await MemoryStore().open_session()
    trace = Trace()
    features = FinalizedFeatures(trace)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(features.follow, session)
        await trio.testing.wait_all_tasks_blocked()
        assert features.epoch == UNKNOWN_EPOCH

        await session.create(paths.FEATURE, EMPTY)
        await trio.testing.wait_all_tasks_blocked()
        assert features.epoch == 0
        await session.set(paths.FEATURE, EMPTY)
        await trio.testing.wait_all_tasks_blocked()
        assert features.epoch == 1

        await session.delete(paths.FEATURE)
        await trio.testing.wait_all_tasks_blocked()
        assert features.epoch == UNKNOWN_EPOCH
        await session.create(paths.FEATURE, EMPTY)
        session.suspend()
        session.reconnect()
        await trio.testing.wait_all_tasks_blocked()
        assert features.epoch == 0
        nursery.cancel_scope.cancel()
    assert trace.events == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"garbage", "not JSON"),
        (
            encode_feature(Feature(True, {"odd": 3})),
            "no broker here supports are finalized: ['odd'",
        ),
        (encode_feature(Feature(enabled=False)), None),
    ],
)
async def test_what_it_cannot_use_is_said_and_unknown(data: bytes, said: str | None) -> None:
    session = await MemoryStore().open_session()
    await session.create(paths.FEATURE, data)
    trace = Trace()
    features = FinalizedFeatures(trace, epoch=7)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(features.follow, session)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert features.epoch == UNKNOWN_EPOCH
    assert [event.kind for event in trace.events] == ["znode.unreadable"] * (said is not None)
    assert said is None or said in str(trace.events[0].facts["why"])
