"""The stories of a small cluster's life and its failures, one test each.

The checker looks on all the time (see the package); what stands here is what a story is about.
"""

from pathlib import Path

import pytest
import trio

from broker.network.peers import PeerUnavailable
from broker.replica.roles import Leading
from broker.wire.errors import ErrorCode
from coordination.znodes import paths
from tests.simulation.client import batch_of
from tests.simulation.ensemble import SESSION_TIMEOUT_MS
from tests.simulation.looking import T0, controller, epoch_of_controller, events, state
from tests.simulation.stage import Stage, play

SESSION_TIMEOUT_S = SESSION_TIMEOUT_MS / 1000


def test_a_topic_with_three_replicas(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="3")
        for number in range(10):
            produced = await stage.client.produce(T0, f"{number}a", f"{number}b")
            assert (produced.error, produced.offset) == (ErrorCode.NONE, 2 * number)
        await stage.checker.settled()
        fetched = await stage.client.fetch(T0)
        assert fetched.values == tuple(f"{n}{letter}" for n in range(10) for letter in "ab")
        assert fetched.high_watermark == 20

    play(story, tmp_path)


def test_a_leader_dies_and_another_takes_over(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        producer = await stage.client.producer()
        for number in range(20):
            await producer.send(T0, f"before-{number}")
        await stage.ensemble.crash(1)
        died_s = trio.current_time()
        await producer.send(T0, "first after")
        assert trio.current_time() - died_s < SESSION_TIMEOUT_S + 1
        assert await stage.client.leader(T0) in (2, 3)
        assert 1 not in state(stage).isr
        await stage.ensemble.start(1)
        await stage.checker.settled()
        assert len((await stage.client.fetch(T0)).values) == 21

    play(story, tmp_path)


@pytest.mark.long
def test_a_dead_leader_returns_and_drops_what_was_never_committed(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers()
        await stage.client.produce(T0, "committed")
        stage.ensemble.cut(1, 2)
        stage.ensemble.cut(1, 3)
        tail = await stage.client.produce(T0, "lost-1", "lost-2", acks=1, at=1)
        assert tail.error is ErrorCode.NONE  # acks=1 promises no more than this
        await stage.ensemble.crash(1)
        stage.ensemble.heal()
        producer = await stage.client.producer()
        await producer.send(T0, "kept")
        await stage.ensemble.start(1)
        await stage.checker.settled()
        [truncated] = events(stage, "partition.truncated", broker=1)
        assert (truncated.facts["before"], truncated.facts["log_end_offset"]) == (3, 1)
        assert (await stage.client.fetch(T0)).values == ("committed", "kept")

    play(story, tmp_path)


def test_an_isr_shrinks_while_a_follower_is_cut_off_and_recovers(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(controller=2, min_insync_replicas="2")
        stage.ensemble.cut(1, 3)
        cut_s = trio.current_time()
        waiting = await stage.client.produce(T0, "waits for 3", timeout_s=30)
        assert waiting.error is ErrorCode.NONE
        assert 10 <= trio.current_time() - cut_s <= 16  # replica.lag.time.max.ms and a half
        assert set(state(stage).isr) == {1, 2}
        await stage.client.produce(T0, "without 3")
        stage.ensemble.heal()
        await stage.checker.settled()
        changes = [event.facts["isr"] for event in events(stage, "partition.isr_changed", broker=1)]
        assert [1, 2] in changes
        assert changes[-1] == [1, 2, 3]

    play(story, tmp_path)


@pytest.mark.long
def test_too_few_replicas_refuse_acks_all_and_hide_acks_1(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="3")
        await stage.client.produce(T0, "visible")
        await stage.ensemble.crash(3)
        await stage.ensemble.until(lambda: len(state(stage).isr) == 2, "the ISR shrinks")
        refused = await stage.client.produce(T0, "refused")
        assert refused.error is ErrorCode.NOT_ENOUGH_REPLICAS
        hidden = await stage.client.produce(T0, "hidden", acks=1)
        assert (hidden.error, hidden.offset) == (ErrorCode.NONE, 1)
        await trio.sleep(2)
        assert (await stage.client.fetch(T0)).values == ("visible",)
        await stage.ensemble.start(3)
        await stage.checker.settled()
        assert (await stage.client.fetch(T0)).values == ("visible", "hidden")

    play(story, tmp_path)


@pytest.mark.long
def test_a_controllers_session_expires_and_its_writes_are_fenced(tmp_path: Path) -> None:
    """The zombie is cut off ZooKeeper only: brokers still hear it. `CheckedStore` looks for writes
    of a former controller; here the others refuse what it says, and it ends as soon as it knows."""

    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(controller=1)
        zombie = controller(stage)
        first_epoch = epoch_of_controller(stage)
        ensemble.cut_from_zookeeper(zombie)
        await ensemble.until(lambda: controller(stage) != zombie, "another is elected")
        assert epoch_of_controller(stage) > first_epoch
        assert ensemble.broker(zombie).is_controller  # it doesn't know better
        # What has to be decided now is decided by the new one.
        [victim] = {2, 3} - {controller(stage)}
        await ensemble.crash(victim)
        await ensemble.until(lambda: victim not in state(stage).isr, "the ISR shrinks")
        ensemble.heal()
        await ensemble.until(lambda: not ensemble.broker(zombie).is_controller, "it resigns")
        assert events(stage, "controller.resigned", broker=zombie)
        await ensemble.start(victim)
        assert (await stage.client.produce(T0, "served")).error is ErrorCode.NONE
        await stage.checker.settled()

    play(story, tmp_path)


@pytest.mark.long
def test_zookeeper_is_away_for_longer_than_the_session(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        epochs = [broker.broker_epoch for broker in stage.ensemble.brokers()]
        stage.ensemble.cut_from_zookeeper(1, 2, 3)
        for number in range(20):
            produced = await stage.client.produce(T0, f"meanwhile-{number}", at=1)
            assert produced.error is ErrorCode.NONE
            await trio.sleep(1)
        assert stage.ensemble.store.tree.children("/brokers/ids") == []
        stage.ensemble.heal()
        children = stage.ensemble.store.tree.children
        await stage.ensemble.until(
            lambda: children("/brokers/ids") == ["1", "2", "3"], "all register again"
        )
        await stage.ensemble.until(lambda: epoch_of_controller(stage) == 2, "a new controller")
        await stage.checker.settled()
        again = [broker.broker_epoch for broker in stage.ensemble.brokers()]
        assert all(new > old for new, old in zip(again, epochs, strict=True))
        producer = await stage.client.producer()
        await producer.send(T0, "afterwards")
        assert len((await stage.client.fetch(T0)).values) == 21

    play(story, tmp_path)


@pytest.mark.long
def test_a_controlled_shutdown_moves_the_leadership_first(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        producer = await stage.client.producer()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.ensemble.stop, 1)
            longest_s = 0.0
            for number in range(30):
                before_s = trio.current_time()
                await producer.send(T0, f"{number}")
                longest_s = max(longest_s, trio.current_time() - before_s)
                await trio.sleep(0.05)
        assert longest_s < 1  # nobody waited for a session to end
        assert 1 not in stage.ensemble.lives
        [moved] = [
            event
            for event in events(stage, "partition.leader_elected")
            if event.facts["partition"] == "t-0" and event.facts.get("previous_leader") == 1
        ]
        [stopped] = events(stage, "broker.stopped", broker=1)
        assert moved.time_ms < stopped.time_ms
        await stage.ensemble.start(1)
        await stage.checker.settled()
        assert not events(stage, "partition.truncated")

    play(story, tmp_path)


def test_a_frozen_leader_cannot_commit(tmp_path: Path) -> None:
    """Cut off from everyone but a client, it goes on leading in its own eyes. Nothing that it
    takes with acks=all is acknowledged, nothing is visible, and it's truncated on return."""

    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await stage.three_brokers(min_insync_replicas="1")
        await client.produce(T0, "common")
        others = stage.new_client("others")
        ensemble.cut_off(1)
        frozen = [
            await client.produce(T0, f"frozen-{number}", at=1, timeout_s=5) for number in range(5)
        ]
        assert {produced.error for produced in frozen} == {ErrorCode.REQUEST_TIMED_OUT}
        assert isinstance(ensemble.broker(1).replicas.partitions[T0].role, Leading)
        assert (await client.fetch(T0, at=1)).values == ("common",)
        producer = await others.producer()
        await producer.send(T0, "by the new leader")
        assert (await client.produce(T0, "late", at=1, acks=1)).error is ErrorCode.NONE
        ensemble.heal()
        await stage.checker.settled()
        assert (await client.fetch(T0)).values == ("common", "by the new leader")
        [truncated] = events(stage, "partition.truncated", broker=1)
        assert (truncated.facts["before"], truncated.facts["log_end_offset"]) == (7, 1)

    play(story, tmp_path)


def test_committed_offsets_survive_their_coordinator(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers()
        for offset in (1, 5, 7):
            await stage.client.commit_offset("readers", T0, offset)
        coordinator = await stage.client.coordinator("readers")
        await stage.ensemble.crash(coordinator)
        assert await stage.client.committed_offset("readers", T0) == 7
        assert await stage.client.coordinator("readers") != coordinator
        await stage.client.commit_offset("readers", T0, 9)
        await stage.ensemble.start(coordinator)
        await stage.checker.settled()
        assert await stage.client.committed_offset("readers", T0) == 9

    play(story, tmp_path)


@pytest.mark.long
def test_a_retry_after_a_leader_change_is_not_a_duplicate(tmp_path: Path) -> None:
    """The batch is appended and replicated, but the answer is lost and the leader dies: the next
    leader knows the sequence from its own log."""

    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        producer = await stage.client.producer()
        await producer.send(T0, "first")
        stage.ensemble.network.cut("broker-1", "client", one_way=True)
        second = batch_of(("second",), producer.producer_id, producer.producer_epoch, 1)
        with pytest.raises(PeerUnavailable):
            await stage.client.produce(T0, batch=second, at=1)
        assert stage.ensemble.broker(1).replicas.partitions[T0].high_watermark == 2
        await stage.ensemble.crash(1)
        assert (await producer.send(T0, "second")) == 1
        assert (await producer.send(T0, "third")) == 2
        stage.ensemble.heal()
        await stage.ensemble.start(1)
        await stage.checker.settled()
        assert (await stage.client.fetch(T0)).values == ("first", "second", "third")

    play(story, tmp_path)


@pytest.mark.long
def test_retention_leaves_a_dead_follower_behind(tmp_path: Path) -> None:
    """What it lacks is deleted: OFFSET_OUT_OF_RANGE, and it begins anew at the leader's start."""

    async def story(stage: Stage) -> None:
        configs = {"segment_bytes": "2000", "retention_bytes": "4000"}
        await stage.three_brokers(**configs)
        await stage.client.produce(T0, "old")
        await stage.checker.settled()
        await stage.ensemble.crash(3)
        for number in range(20):
            await stage.client.produce(T0, f"{number}-" + 500 * "x", timeout_s=20)
        leader = stage.ensemble.broker(1).replicas.partitions[T0]
        await stage.ensemble.until(lambda: leader.log.log_start_offset > 5, "retention")
        await stage.ensemble.start(3)
        await stage.checker.settled()
        follower = stage.ensemble.broker(3).replicas.partitions[T0]
        assert follower.log.log_start_offset == leader.log.log_start_offset
        [truncated] = events(stage, "partition.truncated", broker=3)
        assert truncated.facts["before"] == 1
        assert truncated.facts["log_end_offset"] > 5
        # What is gone is gone for consumers, too.
        assert (await stage.client.fetch(T0, 0)).error is ErrorCode.OFFSET_OUT_OF_RANGE

    play(story, tmp_path)


@pytest.mark.long
def test_delete_records_moves_the_start_of_every_replica(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers()
        for number in range(10):
            await stage.client.produce(T0, f"{number}")
        assert await stage.client.delete_records(T0, 4) == (ErrorCode.NONE, 4)
        replicas = [broker.replicas.partitions[T0] for broker in stage.ensemble.brokers()]
        assert [replica.log.log_start_offset for replica in replicas] == [4, 4, 4]
        assert (await stage.client.fetch(T0, 3)).error is ErrorCode.OFFSET_OUT_OF_RANGE
        assert (await stage.client.fetch(T0, 4)).values == ("4", "5", "6", "7", "8", "9")
        assert (await stage.client.delete_records(T0, 11))[0] is ErrorCode.OFFSET_OUT_OF_RANGE
        # A dead follower isn't waited for; it learns the start when it comes back.
        await stage.ensemble.crash(3)
        await stage.ensemble.until(lambda: len(state(stage).isr) == 2, "the ISR shrinks")
        assert await stage.client.delete_records(T0, -1) == (ErrorCode.NONE, 10)
        await stage.ensemble.start(3)
        await stage.checker.settled()
        follower = stage.ensemble.broker(3).replicas.partitions[T0]
        await stage.ensemble.until(lambda: follower.log.log_start_offset == 10, "it learns it")

    play(story, tmp_path)


@pytest.mark.long
def test_all_brokers_die_at_once(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        producer = await stage.client.producer()
        for number in range(10):
            await producer.send(T0, f"{number}")
        await stage.ensemble.crash(1, 2, 3)
        await trio.sleep(2 * SESSION_TIMEOUT_S)
        await stage.ensemble.start(3, 1, 2)
        await producer.send(T0, "after")
        await stage.checker.settled()
        assert len((await stage.client.fetch(T0)).values) == 11

    play(story, tmp_path)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.long
def test_a_power_failure_takes_what_was_not_synced_and_the_others_have_it(
    tmp_path: Path, seed: int
) -> None:
    """No record is synced before it's acknowledged, as in Kafka: replication keeps it."""

    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        producer = await stage.client.producer()
        for victim in (3, 1, 2):
            for number in range(10):
                await producer.send(T0, f"before {victim} dies: {number}")
            await stage.ensemble.lose_power(victim)
            await stage.ensemble.until(lambda: victim not in state(stage).isr, "it is noticed")  # noqa: B023
            await producer.send(T0, f"without {victim}")
            await stage.ensemble.start(victim)
            await stage.checker.settled()
        assert len((await stage.client.fetch(T0)).values) == 33

    play(story, tmp_path, seed, power_may_fail=True, log_index_size_max_bytes="4096")


def test_a_broker_is_back_before_its_session_ended(tmp_path: Path) -> None:
    """The old session still holds its znode; registration waits for it and then succeeds, and the
    controller sees a bounce: leaderships move, for the new life must not be taken for the old."""

    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        producer = await stage.client.producer()
        await producer.send(T0, "before")
        epoch = stage.ensemble.broker(1).broker_epoch
        await stage.ensemble.crash(1)
        stage.ensemble.launch(1)
        await producer.send(T0, "after")
        await stage.ensemble.until(
            lambda: stage.ensemble.broker(1).broker_epoch > epoch, "it registers anew"
        )
        await stage.checker.settled()

    play(story, tmp_path)


@pytest.mark.long
def test_a_topic_is_deleted_and_made_again_while_a_broker_is_down(tmp_path: Path) -> None:
    """KAFKA-14616: what a broker kept of the old topic isn't served as the new one's."""

    async def story(stage: Stage) -> None:
        await stage.three_brokers()
        await stage.client.produce(T0, "old-1", "old-2", "old-3")
        await stage.checker.settled()
        await stage.ensemble.crash(3)
        await stage.ensemble.until(lambda: 3 not in state(stage).isr, "it is noticed")
        await stage.client.delete_topic("t")
        tree = stage.ensemble.store.tree
        await trio.sleep(5)
        assert tree.stat(paths.topic("t")) is not None  # deletion waits for the dead replica
        await stage.ensemble.start(3)
        await stage.ensemble.until(lambda: tree.stat(paths.topic("t")) is None, "it's deleted")
        await stage.client.create_topic("t", {0: (3, 1, 2)})
        producer = await stage.client.producer()
        await producer.send(T0, "new")
        await stage.checker.settled()
        assert (await stage.client.fetch(T0)).values == ("new",)

    play(story, tmp_path)


@pytest.mark.parametrize("delay_s", [0.05, 0.4])
@pytest.mark.long
def test_slow_links_only_cost_time(tmp_path: Path, delay_s: float) -> None:
    async def story(stage: Stage) -> None:
        await stage.three_brokers(min_insync_replicas="2")
        for one, other in ((1, 2), (1, 3), (2, 3)):
            stage.ensemble.network.delay(f"broker-{one}", f"broker-{other}", delay_s)
        producer = await stage.client.producer()
        for number in range(10):
            await producer.send(T0, f"{number}")
        await stage.checker.settled()
        assert set(state(stage).isr) == {1, 2, 3}
        assert state(stage).leader_epoch == 0

    play(story, tmp_path)
