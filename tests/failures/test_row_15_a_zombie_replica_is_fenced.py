"""Row 15: a replica that has missed elections goes on fetching, and its log is never cut.

It follows broker 1 in the first epoch, and has a record that was never committed. While the
controller can't reach it, 2 is elected, then 1 again: it still asks broker 1, and what it's given
would go behind a record that nobody else has. Source: KAFKA-6880, KIP-320: each fetch names the
leader epoch that the fetcher believes in, and a leader of a later one answers FENCED_LEADER_EPOCH.
Provoked in the simulation; broker 4 is the controller and has no replica.
"""

from pathlib import Path

import pytest
import trio

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import fetch as fe
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import decode_partition_state, paths
from tests.simulation.client import Client
from tests.simulation.stage import Stage, play

T0 = TopicPartition("t", 0)


def state(stage: Stage) -> LeaderAndIsr:
    tree = stage.ensemble.store.tree
    return decode_partition_state(T0, tree.node(paths.partition_state(T0)))


@pytest.mark.long
def test_a_follower_that_missed_two_elections_gets_nothing_and_is_cut_when_it_hears(
    tmp_path: Path,
) -> None:
    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await stage.three_brokers(controller=4)
        await client.produce(T0, "common")
        await stage.checker.settled()
        zombie = ensemble.broker(3).replicas.partitions[T0]
        # 3 gets a record that 2 doesn't; nobody has committed it.
        ensemble.cut(1, 2)
        await client.produce(T0, "only on 1 and 3", acks=1, at=1)
        await ensemble.until(lambda: zombie.log.log_end_offset == 2, "3 has it")
        ensemble.cut(4, 3)
        await ensemble.crash(1)
        await ensemble.until(lambda: state(stage).leader == 2, "2 is elected")
        ensemble.network.restore_all()
        ensemble.cut(4, 3)
        await client.produce(T0, "by 2", acks=1, at=2)
        ensemble.launch(1)
        await ensemble.until(lambda: state(stage).isr == (2, 1), "1 is back, 3 out of the ISR")
        await ensemble.crash(2)
        await ensemble.until(lambda: state(stage).leader == 1, "1 leads again")
        await ensemble.until(lambda: ensemble.broker(1).replicas.partitions[T0].leader == 1, "..")
        later = stage.new_client("later")  # broker 1 has hung up on the first one
        await later.produce(T0, "by 1", acks=1, at=1)
        assert zombie.leader == 1
        assert zombie.leader_epoch < state(stage).leader_epoch
        assert await fetch_at(later, stage, zombie.leader_epoch) is ErrorCode.FENCED_LEADER_EPOCH
        await trio.sleep(5)
        assert zombie.log.log_end_offset == 2, "it got what comes behind another's record"
        assert 3 not in state(stage).isr

        ensemble.heal()
        await ensemble.start(2)
        await stage.checker.settled()
        assert (await later.fetch(T0)).values == ("common", "by 2", "by 1")
        assert zombie.log.log_end_offset == 3

    play(story, tmp_path)


async def fetch_at(client: Client, stage: Stage, leader_epoch: int) -> ErrorCode:
    """What broker 1 answers to a follower that believes in this epoch."""
    asked = fe.FetchPartition(
        partition=0, fetch_offset=2, current_leader_epoch=leader_epoch, partition_max_bytes=1000
    )
    topic_id = stage.ensemble.broker(1).replicas.partitions[T0].topic_id
    request = fe.FetchRequest(
        replica_state=fe.ReplicaState(replica_id=3),
        topics=[fe.FetchTopic(topic_id=topic_id, partitions=[asked])],
    )
    answer = await client.ask(1, ApiKey.FETCH, 17, request, fe.FetchResponse)
    [data] = answer.responses[0].partitions
    return ErrorCode.of(data.error_code)
