"""Whatever happens, and in whatever order: a session's client knows what a full fetch would say.

Partitions of a real broker get records, high watermarks, log starts and roles, at random; a client
goes on with its session, names what it likes and forgets what it likes. After each answer its
view, made of all answers so far, is held to a look at everything.

And a follower that names only what has moved counts as in sync exactly as long as one that names
all of its partitions each time (Kafka looks at all of them, named or not).
"""

import random
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.replica.fetch import fetch, look, note_progress
from broker.replica.fetch_sessions import FetchRequested
from broker.replica.follower_progress import FollowerProgress
from broker.replica.interest import Interest
from broker.replica.interests import Interests, Reads
from broker.replica.looking import FetchParameters
from broker.replica.partition import Partition
from broker.replica.partition_read import PartitionFetch, PartitionRead
from broker.replica.roles import Leading
from tests.broker.replica.support import batch
from tests.broker.support import lead, open_broker, topic_id, tp

PARTITIONS = 4
STEPS = 120


@attrs.define(eq=False)
class Client:
    """One client of broker 1. `view` is what it was told last of each partition."""

    broker: Broker
    parameters: FetchParameters
    chance: random.Random
    session_id: int = 0
    epoch: int = 0
    offsets: dict[int, int] = attrs.field(factory=dict)
    view: dict[int, tuple[object, int, int]] = attrs.field(factory=dict)

    async def fetch(self) -> None:
        full = self.epoch == 0
        changed = self._new_offsets()
        gone = {n for n in self.offsets if self.chance.random() < 0.05} - changed.keys()
        if full:
            changed, gone = changed | dict.fromkeys(range(PARTITIONS), 0), set()
            self.view.clear()
        for partition in gone:
            del self.offsets[partition], self.view[partition]
        self.offsets |= changed
        requested = FetchRequested(
            self.session_id,
            self.epoch,
            True,
            self.parameters.replica_id,
            tuple(interest(n, offset) for n, offset in changed.items()),
            tuple((topic_id("t"), n) for n in gone),
        )
        sessions = self.broker.fetch_sessions
        exchange = sessions.begin(requested, trio.current_time())
        if self.parameters.from_follower:
            note_progress(self.broker.replicas, self.parameters, exchange.interests)
        reads = await fetch(self.broker.replicas, self.parameters, exchange.interests)
        self.session_id, told = sessions.answer(exchange, reads, trio.current_time())
        exchange.end()
        self.epoch = self.epoch + 1 if self.session_id else 0
        for found, read in told.items():
            self.view[found.partition] = seen(read)
        self._check({found.partition: read for found, read in told.items()})

    def _new_offsets(self) -> dict[int, int]:
        """Go on in some, begin to ask for others."""
        chosen = [n for n in range(PARTITIONS) if self.chance.random() < 0.3]
        ends = {n: self._end(n) for n in chosen}
        return {n: max(0, end - self.chance.choice((0, 0, 0, 1))) for n, end in ends.items()}

    def _end(self, partition: int) -> int:
        replica = self.broker.replicas.partitions.get(tp(f"t-{partition}"))
        if replica is None:
            return 0
        if self.parameters.from_follower:
            return replica.log.log_end_offset
        return replica.high_watermark

    def _check(self, told: dict[int, PartitionRead]) -> None:
        everything = Interests(self.parameters.replica_id)
        everything.ask(interest(n, offset) for n, offset in self.offsets.items())
        reads: Reads = {}
        look(self.broker.replicas, self.parameters, everything, reads)
        now = {found.partition: read for found, read in reads.items()}
        assert self.view == {n: seen(read) for n, read in now.items()}
        for n, read in now.items():
            size_bytes = told[n].size_bytes if n in told else 0
            assert size_bytes == read.size_bytes, f"t-{n}"


def interest(partition: int, offset: int) -> Interest:
    return Interest("t", topic_id("t"), partition, PartitionFetch(offset, 1 << 20))


def seen(read: PartitionRead) -> tuple[object, int, int]:
    error = None if read.error is None else read.error.code
    return error, read.high_watermark, read.log_start_offset


@attrs.define
class World:
    broker: Broker
    chance: random.Random
    epochs: dict[int, int] = attrs.field(factory=dict)

    async def happens(self) -> None:
        n = self.chance.randrange(PARTITIONS)
        partition = self.broker.replicas.partitions.get(tp(f"t-{n}"))
        events = self.append, self.replicate, self.trim, self.truncate
        [event] = self.chance.choices(events, weights=(3, 2, 1, 1))
        if partition is None or self.chance.random() < 0.1:
            await self.elect(n)
        elif self.chance.random() < 0.03:
            partition.stop()
            self.broker.replicas.remove(partition.topic_partition)
        else:
            event(partition)

    async def elect(self, n: int) -> None:
        self.epochs[n] = self.epochs.get(n, -1) + 1
        leader = self.chance.choice((1, 1, 2))
        isr = self.chance.choice(((1, 2), (1, 2, 3), (1, 3)))
        await lead(self.broker, f"t-{n}", isr, (1, 2, 3), self.epochs[n], leader)

    def append(self, partition: Partition) -> None:
        if isinstance(partition.role, Leading):
            partition.append_as_leader(batch("x"), 1, trio.current_time())

    def replicate(self, partition: Partition) -> None:
        if not isinstance(partition.role, Leading):
            partition.follow_high_watermark(partition.log.log_end_offset)
            return
        for follower in (2, 3):
            if self.chance.random() < 0.7:
                end = partition.log.log_end_offset
                partition.follower_fetched(follower, end, 0, trio.current_time(), -1)

    def trim(self, partition: Partition) -> None:
        if self.chance.random() < 0.3:
            partition.log.increment_log_start_offset(partition.high_watermark)

    def truncate(self, partition: Partition) -> None:
        if not isinstance(partition.role, Leading) and self.chance.random() < 0.3:
            partition.log.truncate_to(max(0, partition.log.log_end_offset - 1))
            partition.wake_all()


def parameters(replica_id: int) -> FetchParameters:
    return FetchParameters(replica_id, -1, 0, 1, 1 << 20, read_committed=False, client_rack="")


@pytest.mark.parametrize("replica_id", [-1, 2])
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(n, marks=pytest.mark.matrix) for n in range(2, 12))]
)
async def test_a_sessions_view_is_that_of_a_full_fetch(
    tmp_path: Path, autojump_clock: MockClock, seed: int, replica_id: int
) -> None:
    chance = random.Random(seed)
    async with open_broker(tmp_path) as broker:
        world = World(broker, chance)
        client = Client(broker, parameters(replica_id), chance)
        for n in range(PARTITIONS - 1):
            await world.elect(n)
        for _ in range(STEPS):
            for _ in range(chance.choice((0, 1, 1, 3))):
                await world.happens()
            await trio.sleep(chance.random())
            await client.fetch()


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.matrix) for n in range(1, 8))]
)
async def test_a_follower_is_in_sync_as_long_as_if_it_named_everything(
    tmp_path: Path, autojump_clock: MockClock, seed: int
) -> None:
    chance = random.Random(seed)
    async with open_broker(tmp_path) as broker:
        shadows = {}
        for n in range(PARTITIONS):
            await lead(broker, f"t-{n}", (1, 2), (1, 2))
            shadows[n] = FollowerProgress()
            shadows[n].led_anew(True, trio.current_time(), 0)
        client = Client(broker, parameters(2), chance)
        for _ in range(STEPS):
            n = chance.randrange(PARTITIONS)
            partition = broker.replicas.partitions[tp(f"t-{n}")]
            if chance.random() < 0.5:
                partition.append_as_leader(batch("x"), 1, trio.current_time())
            await trio.sleep(chance.choice((0.1, 1, 5)))
            if chance.random() < 0.7:
                await client.fetch()
                for n, offset in client.offsets.items():
                    end = broker.replicas.partitions[tp(f"t-{n}")].log.log_end_offset
                    shadows[n].fetched(offset, -1, end, trio.current_time(), -1)
            for n, shadow in shadows.items():
                partition = broker.replicas.partitions[tp(f"t-{n}")]
                real = partition.follower(2)
                now_s, end = trio.current_time(), partition.log.log_end_offset
                for lag_s in (1.0, 3.0, 8.0, 20.0):
                    assert real.is_caught_up(end, now_s, lag_s) == shadow.is_caught_up(
                        end, now_s, lag_s
                    ), f"t-{n}: {real} {shadow}"
