"""Row 4: who handles an expired session waits for the controller, and the controller for it.

Source: KAFKA-8532 (https://github.com/apache/kafka/pull/7988): a deadlock of two threads.

There are no threads here, but steps at which a session can end: provoked at every one of them, of
the registration alone and of everything that a broker does from its start to its first term as
controller. Each session ends one step later than the one before, before ZooKeeper is asked or when
it has written and has not answered yet. A deadline says that nothing hangs.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import trio
import trio.testing

from coordination.memory_store import MemorySession, MemoryStore
from coordination.memory_tree import Done
from coordination.registration import Registrar, create_persistent_paths
from coordination.session import keep_session
from coordination.store import Op, Session
from coordination.values import BrokerRegistration
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.simulation.stage import Stage, play


def registrar(trace: Trace) -> Registrar:
    return Registrar(BrokerRegistration(1, ()), trace, lambda: 1795332306538)


async def test_a_session_may_end_in_any_step_of_registering(
    autojump_clock: trio.abc.Clock,
) -> None:
    """KAFKA-8532: expiry during registration must neither hang nor leave a node behind."""
    for step in range(12):
        store, trace = MemoryStore(), Trace()
        broker = registrar(trace)

        async def inside(session: Session, cause: str, broker: Registrar = broker) -> None:
            await create_persistent_paths(session)
            await broker.register(session, cause)
            await trio.sleep_forever()

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:

                @nursery.start_soon
                async def keep(store: MemoryStore = store, trace: Trace = trace) -> None:
                    await keep_session(store, inside, recorder=trace)

                for _ in range(step):
                    await trio.lowlevel.checkpoint()
                for session in tuple(store.sessions.values()):
                    session.expire()
                await trio.testing.wait_all_tasks_blocked()
                [session] = store.sessions.values()
                owner = store.tree.node("/brokers/ids/1").stat.ephemeral_owner
                assert owner == session.session_id
                nursery.cancel_scope.cancel()
        assert store.tree.children("/brokers/ids") == []


def test_a_broker_starts_though_each_session_ends_one_question_later(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with ending_before_a_question() as sessions:
            await starts_and_works(stage)
        assert len(sessions) > 20

    play(story, tmp_path)


def test_a_broker_starts_though_each_session_ends_one_write_later(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        with ending_after_a_write(stage.ensemble.store) as sessions:
            await starts_and_works(stage)
        assert len(sessions) > 5

    play(story, tmp_path)


async def starts_and_works(stage: Stage) -> None:
    await stage.ensemble.start(1)  # under a deadline of a minute
    session = stage.ensemble.zookeepers[1].session
    assert session is not None
    for path in (paths.broker(1), paths.CONTROLLER):
        assert stage.ensemble.store.tree.node(path).stat.ephemeral_owner == session.session_id
    await stage.topic((1,))


@contextmanager
def ending_before_a_question() -> Iterator[Counter[int]]:
    """The first session ends when it asks its first question, the second at its second, ..."""
    questions: Counter[int] = Counter()  # by session, in their order
    use_connection = MemorySession._use_connection

    async def interrupted(session: MemorySession) -> int:
        questions[session.session_id] += 1
        if questions[session.session_id] == list(questions).index(session.session_id) + 1:
            session.expire()
        return await use_connection(session)

    with patch.object(MemorySession, "_use_connection", interrupted):
        yield questions


@contextmanager
def ending_after_a_write(store: MemoryStore) -> Iterator[Counter[int]]:
    """The first session ends when its first write is done, the second after its second, ..."""
    writes: Counter[int] = Counter()
    commit = store.commit

    def interrupted(ops: list[Op], session_id: int) -> list[Done]:
        done = commit(ops, session_id)
        writes[session_id] += 1
        if writes[session_id] == list(writes).index(session_id) + 1:
            store.sessions[session_id].expire()
        return done

    with patch.object(store, "commit", interrupted):
        yield writes
