"""A follower's fetcher against a real leader's listener, over a memory stream."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from broker.api.api_versions import unsupported_version
from broker.api.dispatch import dispatcher
from broker.broker import Broker
from broker.log.disk import Data, RealDisk
from broker.log.log_config import ThrottledReplicas
from broker.log.values import EpochEndOffset
from broker.network.answers import Answer
from broker.network.connections import Connections
from broker.network.listener import Listener
from broker.network.transport import StreamTransport, Transport
from broker.replica.copying import Copy
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.waiting import wait_until
from broker.wire.apis import ApiKey
from broker.wire.messages.fetch import FetchRequest
from broker.wire.regions import OpenFile
from tests.broker.replica.support import batch, values
from tests.broker.support import know, lead, open_broker, topic_id, tp


@attrs.define
class Pair:
    """Broker 1 leads, broker 2 follows. `before_answer` runs in the leader before a Fetch is
    answered."""

    leader: Broker
    follower: Broker
    nursery: trio.Nursery
    before_answer: Callable[[], Awaitable[None]] | None = None
    asked: list[ApiKey] = attrs.field(factory=list)
    fetches: list[FetchRequest] = attrs.field(factory=list)

    async def roles(self, *partitions: str, leader_epoch: int = 0) -> None:
        for name in partitions:
            for broker in (self.leader, self.follower):
                await lead(broker, name, (1, 2), leader=1, leader_epoch=leader_epoch)

    def ours(self, name: str = "t-0") -> Partition:
        return self.leader.replicas.partitions[tp(name)]

    def theirs(self, name: str = "t-0") -> Partition:
        return self.follower.replicas.partitions[tp(name)]

    async def connect(self, host: str, port: int) -> Transport:
        assert (host, port) == ("broker-1", 9092)
        here, there = trio.testing.memory_stream_pair()
        connections = Connections(lambda: 10, lambda _: 10)
        listener = Listener(
            "PLAINTEXT", self._dispatch, 1 << 20, 600, connections, unsupported_version
        )
        self.nursery.start_soon(listener.serve_connection, StreamTransport(there))
        return StreamTransport(here)

    async def _dispatch(self, context: object, request: object) -> Answer:
        self.asked.append(context.api_key)  # type: ignore[attr-defined]
        if isinstance(request, FetchRequest):
            self.fetches.append(request)
        answer = await dispatcher(self.leader)(context, request)  # type: ignore[arg-type]
        if self.before_answer is not None:
            await self.before_answer()
        return answer

    async def until(self, condition: Callable[[], bool], timeout_s: float = 30) -> None:
        with trio.fail_after(timeout_s):
            while not condition():  # noqa: ASYNC110  (what is looked at doesn't know of us)
                await trio.sleep(0.01)


@asynccontextmanager
async def pair(
    tmp_path: Path,
    disk: RealDisk | None = None,
    follower_dirs: tuple[str, ...] = ("broker-2",),
    **properties: str,
) -> AsyncIterator[Pair]:
    log_dirs = [tmp_path / name for name in follower_dirs]
    for path in log_dirs:
        path.mkdir()
    of_follower = {**properties, "log_dirs": ",".join(map(str, log_dirs))}
    async with (
        open_broker(tmp_path, 1, **properties) as leader,
        open_broker(tmp_path, 2, disk, **of_follower) as follower,
        trio.open_nursery() as nursery,
    ):
        found = Pair(leader, follower, nursery)
        follower.fetchers.connect = found.connect
        for broker in (leader, follower):
            await know(broker, (1, 2))
        await nursery.start(follower.fetchers.run)
        yield found
        nursery.cancel_scope.cancel()


async def test_a_follower_copies_its_leader(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with pair(tmp_path) as two:
        await two.roles("t-0", "t-1")
        for name in ("t-0", "t-1"):
            two.ours(name).append_as_leader(batch("a", "b"), 1, 0.0)
            two.ours(name).append_as_leader(batch("c"), 1, 0.0)
        await two.until(lambda: two.theirs("t-1").high_watermark == 3)
        assert values(two.theirs("t-0")) == values(two.theirs("t-1")) == ["a", "b", "c"]
        assert two.ours().high_watermark == 3
        two.ours().log.increment_log_start_offset(2)
        await two.until(lambda: two.theirs().log.log_start_offset == 2)


async def test_logs_that_parted_are_cut_where_their_epochs_part(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """KIP-279: the follower has epochs 0, 1 (uncommitted), the leader 0, 2."""
    async with pair(tmp_path) as two:
        for broker in (two.leader, two.follower):
            await lead(broker, "t-0", (broker.broker_id,), (1, 2))
            broker.replicas.partitions[tp("t-0")].append_as_leader(batch("common"), 1, 0.0)
        await lead(two.follower, "t-0", (2,), (1, 2), leader_epoch=1)
        two.theirs().append_as_leader(batch("x"), 1, 0.0)
        two.theirs().append_as_leader(batch("y", "z"), 1, 0.0)
        await lead(two.leader, "t-0", (1,), (1, 2), leader_epoch=2)
        two.ours().append_as_leader(batch("kept"), 1, 0.0)
        await lead(two.follower, "t-0", (1,), (1, 2), leader=1, leader_epoch=2)
        await two.until(lambda: values(two.theirs()) == ["common", "kept"])
        log = two.theirs().log
        assert log.latest_epoch == 2
        assert log.end_offset_for_epoch(1) == EpochEndOffset(0, 1)


async def test_out_of_range_below_begins_anew_at_the_leaders_start(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path, log_segment_bytes="100") as two:
        await lead(two.leader, "t-0", (1,), (1, 2))
        for value in "abcde":
            two.ours().append_as_leader(batch(value), 1, 0.0)
        two.ours().log.increment_log_start_offset(4)
        two.ours().log.delete_old_segments()
        await lead(two.follower, "t-0", (1,), (1, 2), leader=1)
        await two.until(lambda: values(two.theirs()) == ["e"])
        assert two.theirs().log.log_start_offset == 4
        assert ApiKey.LIST_OFFSETS in two.asked


async def test_a_leader_that_goes_on_saying_out_of_range_is_asked_less_and_less(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its offsets say that we fit, its answers that we don't: asked without a pause, it and we
    would do nothing else."""
    found = 0

    def fits_already(copy: Copy, start: int, end: int) -> None:
        nonlocal found
        found += 1
        assert found < 50, "asked again and again"

    monkeypatch.setattr(Copy, "start_where_the_leader_does", fits_already)
    async with pair(tmp_path, replica_fetch_backoff_ms="1000") as two:
        await lead(two.leader, "t-0", (1,), (1, 2))
        two.ours().log.truncate_fully_and_start_at(9)
        await lead(two.follower, "t-0", (1,), (1, 2), leader=1)
        await trio.sleep(10)
        assert 10 < found < 20


async def test_an_answer_that_comes_after_the_role_changed_is_dropped(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await two.roles("t-0")

        async def lose_the_role() -> None:
            two.before_answer = None
            await lead(two.follower, "t-0", (2,), (1, 2), leader_epoch=1)

        two.before_answer = lose_the_role
        two.ours().append_as_leader(batch("late"), 1, 0.0)
        await two.until(lambda: two.theirs().leader == 2)
        await trio.sleep(5)
        assert values(two.theirs()) == []
        assert two.asked == [ApiKey.FETCH]  # and the fetcher ended


async def test_what_such_an_answer_said_is_said_again_in_the_new_role(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await two.roles("t-0")

        async def begin_a_new_epoch() -> None:
            if two.ours().high_watermark == 1:
                two.before_answer = None
                await two.roles("t-0", leader_epoch=1)

        two.before_answer = begin_a_new_epoch
        two.ours().append_as_leader(batch("a"), 1, 0.0)
        await two.until(lambda: two.theirs().leader_epoch == 1)
        await two.until(lambda: two.theirs().high_watermark == 1)


async def test_a_consumer_notices_that_its_follower_has_truncated(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await lead(two.leader, "t-0", (1,), (1, 2), leader_epoch=2)
        await lead(two.follower, "t-0", (2,), (1, 2))
        two.theirs().append_as_leader(batch("a"), 1, 0.0)
        assert two.theirs().high_watermark == 1
        truncated = False
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                nonlocal truncated
                await wait_until(lambda: two.theirs().high_watermark == 0, [committed], 60)
                truncated = trio.current_time() < 60

            committed = two.theirs().committed
            nursery.start_soon(wait)
            await lead(two.follower, "t-0", (1,), (1, 2), leader=1, leader_epoch=2)
        assert truncated


async def test_who_has_no_address_yet_is_asked_when_it_has(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await know(two.follower, (2,))
        await two.roles("t-0")
        two.ours().append_as_leader(batch("a"), 1, 0.0)
        await trio.sleep(5)
        assert two.asked == []
        await know(two.follower, (1, 2))
        await two.until(lambda: values(two.theirs()) == ["a"])


async def test_a_failing_log_directory_leaves_the_others_alone(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    class Failing(RealDisk):
        broken: OpenFile | None = None

        def write_at(self, file: OpenFile, data: Data, position: int) -> None:
            if file is self.broken:
                raise OSError(5, "Input/output error")
            super().write_at(file, data, position)

        def truncate(self, file: OpenFile, size_bytes: int) -> None:
            if file is self.broken:
                raise OSError(5, "Input/output error")
            super().truncate(file, size_bytes)

    disk = Failing()
    async with pair(tmp_path, disk, follower_dirs=("one", "two")) as two:
        # The follower must truncate t-0, and can't.
        await lead(two.follower, "t-0", (2,), (1, 2))
        two.theirs().append_as_leader(batch("x"), 1, 0.0)
        await two.roles("t-1")
        disk.broken = two.theirs().log.read(0, 100, 1).regions[0].file
        await lead(two.leader, "t-0", (1,), (1, 2), leader_epoch=1)
        two.ours().append_as_leader(batch("a"), 1, 0.0)
        await lead(two.follower, "t-0", (1,), (1, 2), leader=1, leader_epoch=1)
        two.ours("t-1").append_as_leader(batch("fine"), 1, 0.0)
        await two.until(lambda: values(two.theirs("t-1")) == ["fine"])
        disk.broken = None


async def test_a_topic_of_the_same_name_but_another_id_is_not_copied(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await lead(two.leader, "t-0", (1,), (1, 2), id_of_topic=topic_id("other"))
        two.ours().append_as_leader(batch("a"), 1, 0.0)
        await lead(two.follower, "t-0", (1,), (1, 2), leader=1)
        await trio.sleep(5)
        assert values(two.theirs()) == []
        assert len(two.asked) >= 3  # it asks again now and then


async def test_an_idle_follower_names_nothing_and_one_that_moves_only_what_moved(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        names = [f"t-{n}" for n in range(5)]
        await two.roles(*names)
        await two.until(lambda: len(two.fetches) >= 5)
        assert sorted(n for request in two.fetches for n in named(request)) == [0, 1, 2, 3, 4]
        assert [named(request) for request in two.fetches[-2:]] == [[], []]
        assert len({request.session_id for request in two.fetches[1:]}) == 1
        two.fetches.clear()
        two.ours("t-3").append_as_leader(batch("a"), 1, 0.0)
        await two.until(lambda: two.theirs("t-3").high_watermark == 1)
        assert [n for request in two.fetches for n in named(request)] == [3]
        # Retention on the follower: the leader is told where its log begins now.
        two.fetches.clear()
        two.theirs("t-3").log.increment_log_start_offset(1)
        await two.until(lambda: two.ours("t-3").leading().followers[2].log_start_offset == 1)
        assert [n for request in two.fetches for n in named(request)] == [3]


async def test_a_round_in_which_nothing_moved_looks_at_no_partition_on_either_side(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def counted(owner: type, method: str) -> None:
        original = getattr(owner, method)

        def look(self: object, *arguments: object) -> object:
            looks.append(method)
            return original(self, *arguments)

        monkeypatch.setattr(owner, method, look)

    async with pair(tmp_path) as two:
        await two.roles(*(f"t-{n}" for n in range(5)))
        await two.until(lambda: len(two.fetches) >= 5)
        counted(ReplicaManager, "find")  # how the leader comes to a partition
        counted(Partition, "follower_fetched")
        counted(Copy, "asked")  # the follower
        counted(Copy, "apply")
        two.fetches.clear()
        await two.until(lambda: len(two.fetches) >= 5)
        assert looks == []
        two.ours("t-3").append_as_leader(batch("a"), 1, 0.0)
        await two.until(lambda: two.theirs("t-3").high_watermark == 1)
        assert set(looks) == {"find", "follower_fetched", "asked", "apply"}


async def test_a_leader_that_forgets_the_session_is_asked_for_everything_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await two.roles("t-0", "t-1")
        await two.until(lambda: len(two.fetches) >= 2)
        for session in list(two.leader.fetch_sessions.sessions):
            two.leader.fetch_sessions.close(session)
        two.fetches.clear()
        two.ours().append_as_leader(batch("a"), 1, 0.0)
        await two.until(lambda: two.theirs().high_watermark == 1)
        assert [0, 1] in [named(request) for request in two.fetches]


async def test_a_leader_without_room_for_sessions_is_asked_for_everything_each_time(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path, max_incremental_fetch_session_cache_slots="0") as two:
        await two.roles("t-0", "t-1")
        await two.until(lambda: len(two.fetches) >= 2)
        two.fetches.clear()
        two.ours().append_as_leader(batch("a"), 1, 0.0)
        await two.until(lambda: two.theirs().high_watermark == 1)
        assert two.fetches
        assert all(named(request) == [0, 1] for request in two.fetches)


async def test_a_partition_that_is_refused_leaves_the_session_until_it_is_asked_for_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await two.roles("t-0")
        await lead(two.follower, "t-1", (1, 2), leader=1)  # the leader hasn't heard of it
        await two.until(lambda: len(two.fetches) >= 4)
        assert any(
            partition == 1
            for request in two.fetches
            for topic in request.forgotten_topics_data
            for partition in topic.partitions
        )
        await lead(two.leader, "t-1", (1, 2), leader=1)
        two.ours("t-1").append_as_leader(batch("a"), 1, 0.0)
        await two.until(lambda: values(two.theirs("t-1")) == ["a"])


@pytest.mark.long
async def test_a_throttled_follower_copies_at_the_rate_until_it_is_in_sync(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """KIP-73, on the follower."""
    async with pair(tmp_path, replica_fetch_max_bytes="1000") as two:
        two.follower.configs.current = attrs.evolve(
            two.follower.config, follower_replication_throttled_rate=1000
        )
        await lead(two.leader, "t-0", (1,), (1, 2))
        await lead(two.leader, "t-1", (1,), (1, 2))
        for _ in range(20):
            two.ours().append_as_leader(batch("x" * 900), 1, 0.0)
        await lead(two.follower, "t-0", (1,), (1, 2), leader=1)
        partition = two.theirs()
        config = attrs.evolve(
            partition.log.config,
            follower_replication_throttled_replicas=ThrottledReplicas(all=True),
        )
        partition.log.update_config(config)
        began_s = trio.current_time()
        await two.until(lambda: two.theirs().log.log_end_offset == 20, 60)
        assert 12 <= trio.current_time() - began_s <= 30  # 19 kB
        # In sync, it's held back no more, nor is who isn't throttled.
        two.ours().append_as_leader(batch("y"), 1, 0.0)
        await two.until(lambda: two.theirs().log.log_end_offset == 21, 1)


def named(request: FetchRequest) -> list[int]:
    return [p.partition for topic in request.topics for p in topic.partitions]


async def test_what_is_copied_is_counted_on_both_sides(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with pair(tmp_path) as two:
        await two.roles("t-0", "t-1")
        for name in ("t-0", "t-1"):
            two.ours(name).append_as_leader(batch("a", "b"), 1, 0.0)
        await two.until(lambda: two.theirs("t-0").high_watermark == 2)
        await two.until(lambda: two.theirs("t-1").high_watermark == 2)
        size_bytes = sum(two.ours(name).log.local.segments.size_bytes for name in ("t-0", "t-1"))
        assert two.leader.replicas.traffic.of_all().replication_bytes_out == size_bytes
        assert two.follower.replicas.traffic.of_all().replication_bytes_in == size_bytes
        assert two.leader.replicas.traffic.of_all().bytes_out == 0
        assert two.follower.fetchers.max_lag == 0
