"""Row 19: a replica that has gone offline shrinks its ISR.

When a leader's log directory fails, its followers can't fetch any more, so after
replica.lag.time.max.ms they count as lagging. Had the leader then still its say it would put itself
alone into the ISR: the one replica whose data is lost would be the only one that may lead
(KAFKA-7837: the loop that shrinks ISRs had taken its list of leaders before the directory failed).

The controller's half is `test_row_19_offline_replica`, both together are the stories of
tests/simulation/test_log_dirs. Here is the broker's: nothing comes between the list and its end, as
the loop never awaits; and a failure holds for all partitions of the directory at once, before
anybody could act on it.
"""

import random
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.replica.partition import Partition
from broker.wire.errors import KafkaError
from tests.broker.replica.support import batch
from tests.broker.support import know, lead, open_broker, tp
from tests.support.simulated_disk import SimulatedDisk


async def led_with_lagging_followers(broker: Broker) -> list[Partition]:
    """t-0 in directory a, t-1 in b; the follower 2 of both has been silent for too long."""
    await know(broker)
    for name in ("t-0", "t-1"):
        await lead(broker, name, isr=(1, 2))
    partitions = [broker.replicas.partitions[tp(name)] for name in ("t-0", "t-1")]
    for partition in partitions:
        partition.append_as_leader(batch("a"), 1, trio.current_time())
    await trio.sleep(31)  # replica.lag.time.max.ms is 30 s
    return partitions


def proposed(broker: Broker) -> dict[str, tuple[int, ...]]:
    return {str(tp): p.isr for tp, p in broker.isr_changes._proposals.items()}


@pytest.mark.parametrize("when", ["before the look", "before it is sent"])
async def test_a_directory_fails_while_isrs_are_looked_at(
    tmp_path: Path, autojump_clock: MockClock, when: str
) -> None:
    disk = SimulatedDisk(random.Random(1))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    log_dirs = f"{tmp_path / 'a'},{tmp_path / 'b'}"
    async with open_broker(tmp_path, disk=disk, log_dirs=log_dirs) as broker:
        first, second = await led_with_lagging_followers(broker)

        def fail() -> None:
            disk.break_directory(tmp_path / "a")
            with pytest.raises(KafkaError, match="Input/output error"):
                first.append_as_leader(batch("b"), 1, trio.current_time())

        if when == "before the look":
            fail()
            broker.isr_changes.drop_laggards()
            assert proposed(broker) == {"t-1": (1,)}
        else:
            broker.isr_changes.drop_laggards()
            assert proposed(broker) == {"t-0": (1,), "t-1": (1,)}
            fail()
        asked: list[object] = []
        broker.isr_changes.controller = Controller(asked)  # type: ignore[assignment]
        async with trio.open_nursery() as nursery:
            await nursery.start(broker.isr_changes.run)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        assert asked == [1], "only of partition 1 anybody was asked"
        assert second.leading().proposed_isr == (1,)


class Controller:
    """Notes the partitions it is asked about, and never answers."""

    def __init__(self, asked: list[object]) -> None:
        self.asked = asked

    async def request(self, _api: object, _version: int, message: object, *_: object) -> object:
        self.asked += [p.partition_index for t in message.topics for p in t.partitions]  # type: ignore[attr-defined]
        await trio.sleep_forever()
        return None
