"""Stories of replicas that move from one log directory to another while they are written to.

Nobody but the broker itself notices: the checker looks on all the time, and compares the copy that
becomes the log anew. In most of them a throttle makes the moves long enough for something to
happen on the way.
"""

from pathlib import Path

import pytest
import trio

from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from coordination.configs import change_config
from coordination.znodes import paths
from tests.broker.support import call
from tests.simulation.looking import T0
from tests.simulation.stage import Stage, play
from tests.simulation.test_reassignment import load

RATE = "replica.alter.log.dirs.io.max.bytes.per.second"
SLOW = {RATE: "200"}  # some three records a second
# Whatever chance does; one run of each story must do for every day.
MORE_OFTEN = [pytest.param(seed, marks=pytest.mark.matrix) for seed in (2, 3)]
PIECES = {"replica_fetch_max_bytes": "300"}


def disk_of(stage: Stage, broker_id: int) -> int:
    directory = stage.ensemble.broker(broker_id).replicas.partitions[T0].log.directory
    return stage.ensemble.log_dirs(broker_id).index(directory.parent)


async def move(stage: Stage, broker_id: int, disk: int) -> ErrorCode:
    directory = AlterReplicaLogDir(
        path=str(stage.ensemble.log_dirs(broker_id)[disk]),
        topics=[AlterReplicaLogDirTopic(name=T0.topic, partitions=[T0.partition])],
    )
    request = AlterReplicaLogDirsRequest(dirs=[directory])
    answer = await call(stage.ensemble.broker(broker_id), request, 2)
    return ErrorCode.of(answer.results[0].partitions[0].error_code)


async def moved(stage: Stage, broker_id: int, disk: int) -> None:
    def is_there() -> bool:
        partition = stage.ensemble.broker(broker_id).replicas.partitions.get(T0)
        return (
            partition is not None
            and disk_of(stage, broker_id) == disk
            and not left_in(stage, broker_id, 1 - disk)
        )

    await stage.ensemble.until(is_there, f"broker {broker_id} has moved it to disk {disk}", 120)


def left_in(stage: Stage, broker_id: int, disk: int) -> list[str]:
    """What lies there of the partition that isn't about to be removed."""
    found = stage.ensemble.log_dirs(broker_id)[disk].glob("t-0*")
    return [path.name for path in found if not path.name.endswith("-delete")]


async def throttle(stage: Stage, configs: dict[str, str]) -> None:
    session = await next(iter(stage.ensemble.brokers())).configs.session()
    await change_config(session, "brokers/<default>", lambda _before: configs)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, *MORE_OFTEN])
def test_a_leader_and_a_follower_move_under_load(tmp_path: Path, seed: int) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers()
        async with load(stage):
            await trio.sleep(2)
            for broker_id in (1, 2):
                before = disk_of(stage, broker_id)
                assert await move(stage, broker_id, 1 - before) is ErrorCode.NONE
                await moved(stage, broker_id, 1 - before)
                await trio.sleep(1)
        await stage.checker.settled()
        assert await stage.client.leader(T0) == 1

    play(story, tmp_path, seed, directories=2, **PIECES)


@pytest.mark.parametrize("seed", [1, *MORE_OFTEN])
@pytest.mark.long
def test_leaders_come_and_go_on_the_way(tmp_path: Path, seed: int) -> None:
    """The moving replica leads, is killed, follows, leads again: its move goes on all the while."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(controller=3, min_insync_replicas="2")
        await throttle(stage, SLOW)
        async with load(stage):
            await trio.sleep(2)
            before = disk_of(stage, 1)
            await move(stage, 1, 1 - before)
            await trio.sleep(1)
            assert left_in(stage, 1, 1 - before)[0].endswith("-future")
            await ensemble.crash(1)
            await ensemble.until(lambda: stage_leader(stage) == 2, "2 leads", 60)
            await ensemble.start(1)
            await in_sync(stage)
            await ensemble.crash(2)
            await ensemble.until(lambda: stage_leader(stage) in (1, 3), "another leads", 60)
            await ensemble.start(2)
            assert disk_of(stage, 1) == before, "it's slow"
            await throttle(stage, {})
            await moved(stage, 1, 1 - before)
        await stage.checker.settled()

    play(story, tmp_path, seed, directories=2, **PIECES)


async def in_sync(stage: Stage) -> None:
    """Under a load all logs never end at the same offset."""
    states = stage.checker._store.states
    await stage.ensemble.until(lambda: set(states[T0].isr) == {1, 2, 3}, "all are in the ISR")


def stage_leader(stage: Stage) -> int:
    return stage.checker._store.states[T0].leader


@pytest.mark.parametrize("seed", [1, *MORE_OFTEN])
@pytest.mark.long
def test_the_broker_loses_its_power_again_and_again(tmp_path: Path, seed: int) -> None:
    """At any moment of a move, the swap included; it arrives, and nothing is lost."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(controller=3, min_insync_replicas="2")
        async with load(stage):
            for _ in range(2):
                target = 1 - disk_of(stage, 1)
                await trio.sleep(1)
                assert await move(stage, 1, target) is ErrorCode.NONE
                await trio.sleep(stage.randomness.uniform(0, 0.2))
                await ensemble.lose_power(1)
                await ensemble.start(1)
                await moved(stage, 1, target)
                await in_sync(stage)

    play(story, tmp_path, seed, power_may_fail=True, directories=2, **PIECES)


@pytest.mark.long
def test_the_topic_is_deleted_on_the_way(tmp_path: Path) -> None:
    """The next one of that name is not moved."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers()
        await throttle(stage, SLOW)
        for number in range(50):
            await stage.client.produce(T0, f"{number}")
        await move(stage, 1, 1 - disk_of(stage, 1))
        await trio.sleep(1)
        await stage.client.delete_topic("t")
        tree = ensemble.store.tree
        await ensemble.until(lambda: tree.stat(paths.topic("t")) is None, "it's deleted")
        assert not left_in(stage, 1, 0) + left_in(stage, 1, 1)
        stage.client.acknowledged.clear()
        await stage.topic((1, 2, 3))
        assert ensemble.broker(1).replicas.partitions[T0].future is None
        await trio.sleep(5)
        assert len(left_in(stage, 1, 0) + left_in(stage, 1, 1)) == 1

    play(story, tmp_path, directories=2, **PIECES)


@pytest.mark.long
def test_the_new_directory_fails_and_the_replica_stays(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers()
        await throttle(stage, SLOW)
        async with load(stage):
            await trio.sleep(2)
            before = disk_of(stage, 1)
            await move(stage, 1, 1 - before)
            await trio.sleep(1)
            stage.ensemble.break_directory(1, 1 - before)
            await trio.sleep(2)
            assert stage.ensemble.broker(1).replicas.partitions[T0].future is None
            assert await move(stage, 1, 1 - before) is ErrorCode.KAFKA_STORAGE_ERROR
        await stage.checker.settled()
        assert await stage.client.leader(T0) == 1

    play(story, tmp_path, power_may_fail=True, directories=2, **PIECES)


@pytest.mark.long
def test_the_old_directory_fails_and_another_broker_leads(tmp_path: Path) -> None:
    """With a new disk in its place the move goes on, from what the leader has."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(controller=3, min_insync_replicas="2")
        await throttle(stage, SLOW)
        async with load(stage):
            await trio.sleep(2)
            before = disk_of(stage, 1)
            await move(stage, 1, 1 - before)
            await trio.sleep(1)
            ensemble.break_directory(1, before)
            await ensemble.until(lambda: stage_leader(stage) in (2, 3), "another leads", 60)
            await ensemble.stop(1)
            ensemble.mend_disks(1)
            await throttle(stage, {})
            await ensemble.start(1)
            await moved(stage, 1, 1 - before)
        await stage.checker.settled()

    play(story, tmp_path, power_may_fail=True, directories=2, **PIECES)


@pytest.mark.parametrize("seed", [1, *MORE_OFTEN])
@pytest.mark.long
def test_its_beginning_is_deleted_on_the_way(tmp_path: Path, seed: int) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers()
        for number in range(60):
            await stage.client.produce(T0, f"{number}")
        await throttle(stage, SLOW)
        before = disk_of(stage, 1)
        await move(stage, 1, 1 - before)
        await trio.sleep(1)
        await stage.client.delete_records(T0, 45)
        await throttle(stage, {})
        await moved(stage, 1, 1 - before)
        fetched = await stage.client.fetch(T0, 45)
        assert fetched.log_start_offset == 45
        assert fetched.values == tuple(str(number) for number in range(45, 60))
        stage.client.acknowledged.clear()
        await stage.checker.settled()

    play(story, tmp_path, seed, directories=2, **PIECES)
