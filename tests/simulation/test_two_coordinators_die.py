"""What a coordinator read from its log, and the next one after it does not have.

    broker 2 coordinates    Ongoing ─▶ PrepareCommit ─▶ killed
    broker 3                Ongoing ─▶ PrepareCommit      ─▶ is next, and killed
    broker 1                Ongoing                                     ─▶ is next: a timeout aborts

Were 3 to act on what it has read, one partition would hear of a commit, and the other of an abort.
"""

from pathlib import Path

import pytest
import trio

from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from coordination.values import TopicPartition
from tests.simulation.looking import events
from tests.simulation.stage import Stage, play
from tests.simulation.test_transactions import PROPERTIES, values
from tests.simulation.transactional import transactional_producer

STATE = TopicPartition(TRANSACTIONS_TOPIC, 0)
P0, P1 = TopicPartition("t", 0), TopicPartition("t", 1)


def _end_offset(stage: Stage, broker_id: int) -> int:
    return stage.ensemble.broker(broker_id).replicas.partitions[STATE].log.log_end_offset


def _leads(stage: Stage, broker_id: int) -> bool:
    return stage.ensemble.broker(broker_id).replicas.partitions[STATE].leader == broker_id


@pytest.mark.long
def test_one_transaction_has_one_outcome(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.ensemble.start(4)
        await stage.ensemble.start(1, 2, 3)
        await stage.client.create_topic("t", {0: (4,), 1: (1,)})
        await stage.client.create_topic(
            TRANSACTIONS_TOPIC, {0: (2, 3, 1)}, cleanup_policy="compact"
        )
        await stage.checker.settled()
        producer = await transactional_producer(stage.client, "x", timeout_ms=30_000)
        await producer.send(P0, "a")
        await producer.send(P1, "b")
        await stage.checker.settled()
        # Broker 1 hears no more from those who coordinate before it.
        stage.ensemble.cut(1, 2)
        stage.ensemble.cut(1, 3)
        before = _end_offset(stage, 3)
        async with trio.open_nursery() as nursery:

            async def commit() -> None:
                await producer.end(commit=True)

            nursery.start_soon(commit)
            await stage.ensemble.until(lambda: _end_offset(stage, 3) > before, "its copy")
            await stage.ensemble.crash(2)
            nursery.cancel_scope.cancel()  # the client is gone, too
        assert _end_offset(stage, 1) == before
        await stage.ensemble.until(lambda: _leads(stage, 3), "the next coordinator")
        await trio.sleep(1)
        assert not events(stage, "transaction.loaded", 3), "it waits for broker 1"
        await stage.ensemble.crash(3)
        stage.ensemble.heal()
        await stage.ensemble.until(lambda: _leads(stage, 1), "the last coordinator")

        def is_aborted() -> bool:
            return any(
                e.facts["transactional_id"] == "x" for e in events(stage, "transaction.ended")
            )

        await stage.ensemble.until(is_aborted, "the timeout")
        assert (await values(stage, P0), await values(stage, P1)) == ((), ())

    play(story, tmp_path, **PROPERTIES)
