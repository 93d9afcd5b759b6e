"""A broker's word that it lost a log directory: in ZooKeeper once at least."""

import json

import pytest
import trio
import trio.testing

from coordination.log_dir_events import notify_log_dir_failure
from coordination.memory_store import MemoryStore
from coordination.registration import create_persistent_paths
from coordination.znodes import paths
from tests.coordination.worlds import World


async def test_as_kafka_writes_it(world: World) -> None:
    session = await world.open_session()
    await create_persistent_paths(session)
    await notify_log_dir_failure(session, 2)
    assert await session.children(paths.LOG_DIR_EVENT_NOTIFICATION) == ["log_dir_event_0000000000"]
    node = await session.get("/log_dir_event_notification/log_dir_event_0000000000")
    assert json.loads(node.data) == {"version": 1, "broker": 2, "event": 1}


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_reply_does_not_lose_the_news(applied: bool) -> None:
    session = await MemoryStore().open_session()
    await create_persistent_paths(session)
    session.lose_next_write(applied=applied)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(notify_log_dir_failure, session, 2)
        await trio.testing.wait_all_tasks_blocked()
        session.reconnect()
    told = await session.children(paths.LOG_DIR_EVENT_NOTIFICATION)
    assert len(told) == (2 if applied else 1)
