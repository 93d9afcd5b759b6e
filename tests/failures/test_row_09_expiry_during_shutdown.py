"""Row 9: the session of a broker that is shutting down expires in the middle of it.

Source: no single issue; related KAFKA-15021 and KIP-841
(https://github.com/apache/kafka/pull/13765): a broker that is about to go must not be let into an
ISR again, or every acks=all producer waits for it, and with it goes the ISR.

Provoked at every step of a controlled shutdown: just before any broker's question to ZooKeeper,
the leaving broker's session ends. Stock Kafka registers anew, and is taken for a broker that has
just come. Here it must end soon, register no more, and never be in an ISR again that it has left.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import attrs
import pytest
import trio

from coordination.memory_store import MemorySession
from coordination.memory_tree import Done
from coordination.store import Create, Op, Set
from coordination.values import TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.simulation.stage import Stage, play

SOON_S = 15.0
PARTITIONS = (TopicPartition("t", 0), TopicPartition("t", 1))
FURTHER = 7  # in the quick run only every so many steps


@pytest.mark.long
@pytest.mark.parametrize("leaving", ["the controller", "another"])
@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.matrix) for n in range(1, FURTHER))]
)
def test_it_ends_and_is_in_no_isr_that_it_has_left(
    tmp_path: Path, leaving: str, first: int
) -> None:
    async def story(stage: Stage) -> None:
        await stage.ensemble.start(1)
        await stage.ensemble.start(2, 3)
        await stage.client.create_topic("t", {0: (1, 2, 3), 1: (2, 3, 1)}, min_insync_replicas="2")
        await stage.checker.settled()
        producer = await stage.client.producer()
        step = first
        while await shuts_down(stage, leaving, step):
            for tp in PARTITIONS:
                await producer.send(tp, f"after step {step}")
            step += FURTHER
        assert step > FURTHER  # so that it is about something

    play(story, tmp_path, seed=first + 1)


async def shuts_down(stage: Stage, leaving: str, step: int) -> bool:
    """One broker stops, its session ends at the step, it's started again; False: after the end."""
    ensemble = stage.ensemble
    assert ensemble.controller is not None
    controller = ensemble.controller.broker_id
    victim = controller if leaving == "the controller" else controller % 3 + 1
    with expiring_at(stage, victim, step) as expiry, watching_isrs(stage, victim):
        with trio.fail_after(SOON_S):
            await ensemble.stop(victim)
        # What it has begun, and what its end leads to.
        await ensemble.until(
            lambda: all(victim not in isr_of(stage, tp) for tp in PARTITIONS),
            "it's out of the ISRs",
        )
    await ensemble.start(victim)
    await stage.checker.settled()
    return expiry.happened


@attrs.define
class Expiry:
    happened: bool = False


@contextmanager
def expiring_at(stage: Stage, victim: int, step: int) -> Iterator[Expiry]:
    """Before question number `step` that is asked from now on the victim's session ends."""
    expiry = Expiry()
    asked = 0
    use_connection = MemorySession._use_connection

    async def interrupted(session: MemorySession) -> int:
        nonlocal asked
        if asked == step and victim in stage.ensemble.lives:
            expiry.happened = True
            stage.ensemble.expire(victim)
        asked += 1
        return await use_connection(session)

    with patch.object(MemorySession, "_use_connection", interrupted):
        yield expiry


@contextmanager
def watching_isrs(stage: Stage, victim: int) -> Iterator[None]:
    """Look at all that is written: once the victim is out of an ISR, it stays out."""
    out: set[str] = set()
    store = stage.ensemble.store
    commit = store.commit

    def listening(ops: list[Op], session_id: int) -> list[Done]:
        done = commit(ops, session_id)
        if victim in stage.ensemble.lives:
            created = [op.path for op in ops if isinstance(op, Create)]
            assert paths.broker(victim) not in created, f"{victim} has registered again"
        for tp in PARTITIONS:
            for op in ops:
                if isinstance(op, Set) and op.path == paths.partition_state(tp):
                    is_in = victim in isr_of(stage, tp)
                    assert not (is_in and op.path in out), f"{victim} is in the ISR of {tp} again"
                    if not is_in:
                        out.add(op.path)
        return done

    with patch.object(store, "commit", listening):
        yield


def isr_of(stage: Stage, tp: TopicPartition) -> tuple[int, ...]:
    node = stage.ensemble.store.tree.node(paths.partition_state(tp))
    return decode_partition_state(tp, node).isr
