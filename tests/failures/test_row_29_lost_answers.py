"""Row 29: a controller's request gets no answer in time, and the order of its requests is lost.

Source: https://go.mail-archive.com/dev@kafka.apache.org/msg53514.html. A controller that goes on
with its next request when one has timed out lets a broker miss a change, or learn of two in the
wrong order. So the *same* request is sent again, before all others, until it's answered or the
broker has left (`broker.control.channel`); brokers fence what they have obeyed already.

Provoked by a link so slow that the controller's requests get there, but no answer comes in time,
while topics are made whose orders can be told apart by their number of partitions.
"""

from pathlib import Path

import pytest
import trio

from coordination.values import TopicPartition
from tests.simulation.ensemble import host_of
from tests.simulation.stage import Stage, play

TOPICS = range(1, 6)  # each has as many partitions


@pytest.mark.long
def test_the_same_order_again_and_then_the_next(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await ensemble.start(1)
        await ensemble.start(2, 3)
        # A request gets there in 4 s, when the controller has given up and hung up.
        ensemble.network.delay(host_of(1), host_of(3), 4.0)
        for count in TOPICS:
            # Led by 2, so that clients needn't wait for 3.
            await stage.client.create_topic(f"topic-{count}", dict.fromkeys(range(count), (2, 3)))
        await trio.sleep(40)
        heard = orders_to(stage, 3)
        assert len(heard) > 3
        assert set(heard) == {1}, "nothing overtakes what has no answer"
        ensemble.network.delay(host_of(1), host_of(3), 0.0)
        await ensemble.until(lambda: obeyed_all(stage), "broker 3 has obeyed every order")
        heard = orders_to(stage, 3)
        assert heard == sorted(heard)
        assert list(dict.fromkeys(heard)) == list(TOPICS)
        assert heard[-1] == TOPICS[-1]
        await stage.checker.settled()

    play(story, tmp_path, controller_socket_timeout_ms="3000")


def orders_to(stage: Stage, broker_id: int) -> list[int]:
    """How many partitions each LeaderAndIsr that the broker has heard was about."""
    return [
        int(str(event.facts["partitions"]))
        for event in stage.ensemble.events()
        if event.kind == "control.leader_and_isr"
        and event.broker == broker_id
        and event.facts["partitions"]
    ]


def obeyed_all(stage: Stage) -> bool:
    here = stage.ensemble.broker(3).replicas.partitions
    return all(
        TopicPartition(f"topic-{count}", index) in here
        for count in TOPICS
        for index in range(count)
    )
