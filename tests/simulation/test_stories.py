"""The stories of a small cluster's life, one test each."""

from pathlib import Path

from tests.simulation.stage import Stage, play


def test_a_leader_dies_and_another_takes_over(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        tp = await stage.three_brokers(min_insync_replicas="2")
        producer = await client.producer()
        for number in range(20):
            await producer.send(tp, f"before-{number}")
        ensemble.crash(1)
        for number in range(20):
            await producer.send(tp, f"after-{number}")
        assert await client.leader(tp) in (2, 3)
        await ensemble.start(1)
        await stage.checker.settled()

    play(story, tmp_path)
