"""Who becomes controller, who stays it, and who learns that he is not."""

import pytest
import trio
import trio.testing

from coordination import znodes
from coordination.election import Elected, Fenced, current_controller, elect, stand_for_controller
from coordination.election import resign as resign_from
from coordination.memory_store import MemoryStore
from coordination.store import Check, MultiFailed, Session, Set
from coordination.znodes import paths
from tests.coordination.trace import Trace
from tests.coordination.worlds import PATIENCE_S, World


class Seen(Exception):
    """The test has seen enough."""


def clock_ms() -> int:
    return 1795332305804


async def test_the_first_controller_has_epoch_1(world: World) -> None:
    session = await world.open_session()
    assert await current_controller(session) is None
    assert await elect(session, 3, clock_ms) == Elected(epoch=1, epoch_version=1)

    assert await current_controller(session) == 3
    controller = await session.get(paths.CONTROLLER)
    assert controller.stat.ephemeral_owner == session.session_id
    assert znodes.decode_controller(controller) == znodes.Controller(3, clock_ms(), -1)
    epoch = await session.get(paths.CONTROLLER_EPOCH)
    assert (epoch.data, epoch.stat.version, epoch.stat.ephemeral_owner) == (b"1", 1, 0)


async def test_there_is_one_controller(world: World) -> None:
    sessions = [await world.open_session() for _ in range(4)]
    results = []

    async def candidate(broker_id: int, session: Session) -> None:
        results.append(await elect(session, broker_id, clock_ms))

    async with trio.open_nursery() as nursery:
        for broker_id, session in enumerate(sessions):
            nursery.start_soon(candidate, broker_id, session)
    assert sorted(results, key=lambda each: each is None) == [Elected(1, 1), None, None, None]


async def test_resigning_opens_the_next_election_and_fences_the_old_controller(
    world: World,
) -> None:
    one, two = await world.open_session(), await world.open_session()
    old = await elect(one, 1, clock_ms)
    assert old is not None
    await resign_from(one, old)
    assert await current_controller(two) is None
    assert await elect(two, 2, clock_ms) == Elected(2, 2)

    with pytest.raises(MultiFailed):  # every write of the old one carries this check
        await one.multi([Check(paths.CONTROLLER_EPOCH, old.epoch_version)])
    await resign_from(one, old)
    assert await current_controller(two) == 2


async def test_the_next_candidate_serves_when_the_controller_goes(world: World) -> None:
    one, two = await world.open_session(), await world.open_session()
    trace, served = Trace(), trio.Event()

    async def serve(elected: Elected, cause: str) -> None:
        assert elected.epoch == 2
        served.set()
        await trio.sleep_forever()

    first = await elect(one, 1, clock_ms)
    assert first is not None
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def second_candidate() -> None:
                await stand_for_controller(two, 2, serve, recorder=trace, clock_ms=clock_ms)

            await trio.testing.wait_all_tasks_blocked(0.05)
            assert not served.is_set()
            await resign_from(one, first)
            await served.wait()
            nursery.cancel_scope.cancel()
    assert await current_controller(one) is None  # the second resigned as it was cancelled
    assert trace.kinds() == ["controller.elected", "controller.resigned"]


@pytest.mark.parametrize("how", ["deposed", "fenced", "ended"])
async def test_a_controller_that_resigns_stands_again(how: str) -> None:
    store, trace = MemoryStore(), Trace()
    session, admin = await store.open_session(), await store.open_session()
    epochs: list[int] = []

    async def serve(elected: Elected, cause: str) -> None:
        epochs.append(elected.epoch)
        if len(epochs) == 3:
            nursery.cancel_scope.cancel()
        elif how == "deposed":
            await admin.delete(paths.CONTROLLER)  # as admins force an election
            await trio.sleep_forever()
        elif how == "fenced":
            await admin.multi([Set(paths.CONTROLLER_EPOCH, b"%d" % (elected.epoch + 1))])
            raise Fenced

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def candidate() -> None:
            await stand_for_controller(session, 1, serve, recorder=trace, clock_ms=clock_ms)

    resigned = trace.of_kind("controller.resigned")
    assert [event.facts["reason"] for event in resigned[:2]] == [how, how]
    assert epochs[0] == 1
    assert len(set(epochs)) == 3


async def test_a_garbage_epoch_stops_the_election_until_it_is_repaired(
    autojump_clock: trio.abc.Clock,
) -> None:
    store, trace = MemoryStore(), Trace()
    session = await store.open_session()
    await session.create(paths.CONTROLLER_EPOCH, b"many")

    async def serve(elected: Elected, cause: str) -> None:
        assert elected.epoch == 8
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def candidate() -> None:
            await stand_for_controller(session, 1, serve, recorder=trace, clock_ms=clock_ms)

        await trio.sleep(7)
        assert trace.kinds() == ["controller.election_failed"] * 2
        assert "/controller_epoch: expected digits" in str(trace.events[0].facts["why"])
        await session.set(paths.CONTROLLER_EPOCH, b"7")
