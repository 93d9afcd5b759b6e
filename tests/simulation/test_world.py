"""The same seed is the same run; otherwise no failure could be looked into."""

import random
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from coordination.values import TopicPartition
from tests.simulation.stage import Stage, play
from tests.simulation.world import SLOWEST_CALL_S, simulate


def trace(directory: Path, seed: int) -> list[str]:
    """All that happened in a small story, but for what is random by nature: topic ids."""
    lines: list[str] = []

    async def story(stage: Stage) -> None:
        tp = await stage.three_brokers()
        producer = await stage.client.producer()
        await producer.send(tp, "a")
        await stage.ensemble.crash(1)
        await producer.send(TopicPartition("t", 0), "b")
        await stage.ensemble.start(1)
        await stage.checker.settled()
        for event in stage.ensemble.events():
            facts = {k: v for k, v in event.facts.items() if k not in ("topic_id", "log_dirs")}
            lines.append(f"{event.time_ms} {event.id} {event.kind} {facts}")

    directory.mkdir()
    play(story, directory, seed)
    return lines


@pytest.mark.long
def test_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    first = trace(tmp_path / "first", 3)
    assert len(first) > 30
    assert trace(tmp_path / "again", 3) == first
    assert trace(tmp_path / "another", 4) != first


def test_a_crashed_brokers_locks_go_with_it(tmp_path: Path) -> None:
    """Of what it had open the rest is garbage; those are numbers, and would stay to the end."""

    def locked() -> int:
        names = []
        for descriptor in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):
                names.append(descriptor.readlink())
        return sum(name.is_relative_to(tmp_path) and name.name == ".lock" for name in names)

    async def story(stage: Stage) -> None:
        await stage.ensemble.start(1)
        assert locked() == 1
        await stage.ensemble.crash(1)
        assert locked() == 0

    play(story, tmp_path)


def test_a_thread_takes_the_mock_clocks_time_and_lets_others_run() -> None:
    async def story(randomness: random.Random) -> None:
        order: list[str] = []

        async def other() -> None:
            while len(order) < 3:  # noqa: ASYNC110  (it stands for a task with work of its own)
                await trio.sleep(SLOWEST_CALL_S / 100)
            order.append("other")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(other)
            for number in range(3):
                await trio.to_thread.run_sync(order.append, f"call {number}")
        assert order == ["call 0", "call 1", "call 2", "other"]
        assert 0 < trio.current_time() <= 6 * SLOWEST_CALL_S

    simulate(1, story)


def test_a_call_that_has_not_begun_can_be_cancelled_one_that_has_cannot() -> None:
    async def story(randomness: random.Random) -> None:
        done: list[int] = []
        for number in range(20):
            with trio.move_on_after(SLOWEST_CALL_S / 2) as scope:
                await trio.to_thread.run_sync(done.append, number)
            # With a real thread as well: the caller of a call that was made knows that it was.
            assert number in done or scope.cancelled_caught

    simulate(1, story)
