"""A broker that nobody asks anything: what it does by itself, and how often."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.api.api_versions import unsupported_version
from broker.api.dispatch import dispatcher
from broker.broker import Broker
from broker.network.connections import Connections
from broker.network.listener import Listener
from broker.network.transport import StreamTransport
from tests.broker.cost.counting import Work, counted, home, same, same_steps, work_of
from tests.broker.replica.support import batch
from tests.broker.support import know, lead, open_broker, tp

MINUTES = 2


@asynccontextmanager
async def idle(
    directory: Path,
    partitions: int = 1,
    connections: int = 1,
    properties: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Broker]:
    """All tasks of a broker run; it leads so many partitions, and so many clients are silent."""
    async with (
        open_broker(directory, 1, None, **properties) as broker,
        trio.open_nursery() as nursery,
    ):
        await know(broker, (1,))
        for task in (
            broker.logs.run,
            broker.replicas.run,
            broker.fetchers.run,
            broker.isr_changes.run,
            broker.moves.run,
            broker.producer_ids.run,
            broker.partition_counts.run,
            broker.groups.run,
            broker.transactions.run,
        ):
            await nursery.start(task)
        for n in range(partitions):
            await lead(broker, f"t-{n}")
        listener = Listener(
            "PLAINTEXT",
            dispatcher(broker),
            1 << 20,
            3600,  # none is closed while we count
            Connections(lambda: 1000, lambda _: 1000),
            unsupported_version,
        )
        clients = []
        for _ in range(connections):
            ours, theirs = trio.testing.memory_stream_pair()
            clients.append(theirs)
            nursery.start_soon(listener.serve_connection, StreamTransport(ours))
        await wait_all_tasks_blocked()
        yield broker
        nursery.cancel_scope.cancel()


# What looks at all partitions now and then is `test_looks_at_all_partitions`'s. Here it doesn't.
HOURS_MS = str(4 * 3_600_000)
NO_LOOKS = {
    "replica_lag_time_max_ms": HOURS_MS,
    "log_cleaner_backoff_ms": HOURS_MS,
    "log_flush_offset_checkpoint_interval_ms": HOURS_MS,
    "log_flush_start_offset_checkpoint_interval_ms": HOURS_MS,
}


async def work_of_idling(broker_idles: AbstractAsyncContextManager[Broker]) -> Work:
    """From between two ticks on: what happens each second happens as often each time.

    The first half minute is over, after which all that happens from time to time begins.
    """
    async with broker_idles:
        await trio.sleep(31.5)
        with counted() as work:
            await trio.sleep(MINUTES * 60)
        return work


@pytest.mark.long
async def test_silent_connections(tmp_path: Path, autojump_clock: MockClock) -> None:
    few = await work_of_idling(idle(home(tmp_path, "few"), connections=5))
    many = await work_of_idling(idle(home(tmp_path, "many"), connections=200))
    same_steps(few, many)


@pytest.mark.long
async def test_idle_partitions(tmp_path: Path, autojump_clock: MockClock) -> None:
    """What happens each second, the checkpoints of high watermarks, what waits for its time."""
    few = await work_of_idling(idle(home(tmp_path, "few"), partitions=10, properties=NO_LOOKS))
    many = await work_of_idling(idle(home(tmp_path, "many"), partitions=2_000, properties=NO_LOOKS))
    same_steps(few, many)


Job = Callable[[], Awaitable[object]]


def looks(broker: Broker) -> dict[str, tuple[Job, int]]:
    """What looks at all partitions, and how many steps it may take for one of three replicas."""
    upkeep = broker.logs._upkeep

    async def drop_laggards() -> None:
        broker.isr_changes.drop_laggards()

    async def choose_what_to_compact() -> None:
        broker.logs.cleaner._begin()

    return {
        "each 15 s: followers that lag": (drop_laggards, 80),
        "each 15 s: what to compact": (choose_what_to_compact, 8),
        "each minute: recovery points": (upkeep.checkpoint_recovery_points, 20),
        "each minute: log start offsets": (upkeep.checkpoint_log_start_offsets, 12),
        "each 5 minutes: retention": (upkeep._delete_old_segments, 120),
        "each 10 minutes: producers": (upkeep._expire_producers, 80),
    }


@pytest.mark.long
async def test_looks_at_all_partitions(tmp_path: Path, autojump_clock: MockClock) -> None:
    """These do grow with the idle partitions: for each by 400 lines a minute, some 20 µs."""
    few, many = 10, 500

    async def works(partitions: int) -> dict[str, tuple[int, int]]:
        async with open_broker(home(tmp_path, partitions)) as broker:
            await know(broker, (1, 2, 3))
            for n in range(partitions):
                await lead(broker, f"t-{n}", (1, 2, 3))
            return {
                name: ((await work_of(job)).steps, most)
                for name, (job, most) in looks(broker).items()
            }

    of_few, of_many = await works(few), await works(many)
    for name, (steps, most) in of_many.items():
        assert steps - of_few[name][0] <= most * (many - few), name


@pytest.mark.long
async def test_old_segments(tmp_path: Path, autojump_clock: MockClock) -> None:
    """To all that looks at a log by itself they are nothing."""

    async def works(segments: int) -> dict[str, Work]:
        async with open_broker(home(tmp_path, segments)) as broker:
            await lead(broker, "t-0")
            partition = broker.replicas.partitions[tp("t-0")]
            for segment in range(segments):
                if segment:
                    partition.log.local.roll(partition.log.log_end_offset)
                partition.append_as_leader(batch("a"), 1, 0.0)
            upkeep = broker.logs._upkeep
            while partition.log.local.awaits_upkeep:
                await upkeep._flush_due()
            jobs = {name: job for name, (job, _) in looks(broker).items()}
            jobs |= {"each second: flush": upkeep._flush_due, "removal": upkeep._remove_due}
            return {name: await work_of(job) for name, job in jobs.items()}

    few, many = await works(4), await works(400)
    for name in few:
        same(few[name], many[name])
