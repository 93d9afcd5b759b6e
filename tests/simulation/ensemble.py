"""Brokers that start, stop and crash, on one network and one ZooKeeper.

async with open_ensemble(tmp_path, randomness, store) as ensemble:
    await ensemble.start(1, 2, 3)
    ensemble.crash(2)                    # nothing is closed, nothing said; its files stay
    ensemble.cut(1, 3)                   # each broker's end is "broker-N", ZooKeeper's is not one
    ensemble.cut_off(1)                  # from all brokers and ZooKeeper, clients still reach it
    ensemble.heal()
    await ensemble.start(2)              # from the files that it left
"""

import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

import attrs
import trio

import broker.run
from broker.broker import Broker
from broker.build import build_broker
from broker.config.broker_config import BrokerConfig
from broker.events import Event, EventLog
from broker.surroundings import Surroundings
from coordination.memory_store import MemoryStore
from coordination.values import Recorder
from tests.simulation.network import Network
from tests.simulation.zookeeper import ReachedZooKeeper
from tests.support.cleaning import in_this_process
from tests.support.simulated_disk import SimulatedDisk
from tests.support.unsynced_disk import UnsyncedDisk

START_MS = 1_700_000_000_000  # the wall clock at the beginning of every story
PORT = 9092
SESSION_TIMEOUT_MS = 6_000

# Small and quick, so that a story has no long waits to simulate; a test may say otherwise.
PROPERTIES = {
    "zookeeper.connect": "memory:2181",
    "auto.create.topics.enable": "false",
    "auto.leader.rebalance.enable": "false",
    "offsets.topic.num.partitions": "3",
    "offsets.topic.replication.factor": "3",
    "replica.lag.time.max.ms": "10000",
    "replica.high.watermark.checkpoint.interval.ms": "5000",
    "controlled.shutdown.retry.backoff.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "log.initial.task.delay.ms": "1000",
    "log.retention.check.interval.ms": "5000",
    "log.segment.delete.delay.ms": "1000",
}


def host_of(broker_id: int) -> str:
    return f"broker-{broker_id}"


def wall_clock_ms() -> int:
    return START_MS + round(trio.current_time() * 1000)


@attrs.define(eq=False)
class Life:
    """One run of a broker's process. `broker` is there once it has been put together."""

    broker_id: int
    events: EventLog | None = None
    broker: Broker | None = None
    shutdown: trio.Event = attrs.field(factory=trio.Event)
    process: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    ended: trio.Event = attrs.field(factory=trio.Event)


@attrs.define(eq=False)
class Ensemble:
    directory: Path
    randomness: random.Random
    nursery: trio.Nursery
    store: MemoryStore
    properties: dict[str, str]
    power_may_fail: bool = False  # then disks remember what was not synced, and may break: slow
    directories: int = 1  # in log.dirs of each broker
    network: Network = attrs.field(factory=Network)
    lives: dict[int, Life] = attrs.field(factory=dict)  # of the brokers that run
    past: list[Life] = attrs.field(factory=list)
    zookeepers: dict[int, ReachedZooKeeper] = attrs.field(factory=dict)
    _disks: dict[int, SimulatedDisk] = attrs.field(factory=dict)

    # -- brokers ----------------------------------------------------------------

    async def start(self, *broker_ids: int) -> None:
        """Start brokers, and wait until each knows of all that run."""
        for broker_id in broker_ids:
            self.launch(broker_id)
        await self.until(self._all_know_all, "all brokers know of each other")

    def launch(self, broker_id: int) -> None:
        assert broker_id not in self.lives, f"broker {broker_id} runs already"
        life = Life(broker_id)
        self.lives[broker_id] = life
        self.nursery.start_soon(self._live, life)

    async def stop(self, broker_id: int) -> None:
        """As SIGTERM: a controlled shutdown."""
        life = self.lives[broker_id]
        life.shutdown.set()
        await life.ended.wait()

    async def crash(self, *broker_ids: int) -> None:
        """As SIGKILL, all at once. A session ends when its timeout has passed."""
        lives = [self.lives[broker_id] for broker_id in broker_ids]
        for broker_id in broker_ids:
            self.kill(broker_id)
        for life in lives:
            await life.ended.wait()

    def kill(self, broker_id: int) -> None:
        """The same at this very moment: it will do nothing more, and has `ended` soon."""
        self.zookeepers[broker_id].client_died()
        self.lives[broker_id].process.cancel()

    async def lose_power(self, broker_id: int, *, everything: bool = False) -> None:
        """A crash that takes what was not synced with it: some of it, or all."""
        assert self.power_may_fail, "say so when the ensemble is opened"
        await self.crash(broker_id)
        self._disks[broker_id].crash(everything=everything)

    def break_directory(self, broker_id: int, number: int) -> None:
        """From now on every write into that one of its log directories fails."""
        assert self.power_may_fail, "say so when the ensemble is opened"
        self._disks[broker_id].break_directory(self.log_dirs(broker_id)[number])

    def mend_disks(self, broker_id: int) -> None:
        """For its next start."""
        self._disks[broker_id].mend()

    def log_dirs(self, broker_id: int) -> list[Path]:
        home = self.directory / host_of(broker_id)
        if self.directories == 1:
            return [home]
        return [home / f"disk-{number}" for number in range(self.directories)]

    async def _live(self, life: Life) -> None:
        config = self._config(life.broker_id)
        with life.process:
            await broker.run.run_broker(
                config, shutdown=life.shutdown, surroundings=partial(self._surroundings, life)
            )
        if life.broker is not None:
            for directory in life.broker.logs.directories.all:
                directory.unlock()  # as the end of a process does
        del self.lives[life.broker_id]
        self.past.append(life)
        life.ended.set()

    def _config(self, broker_id: int) -> BrokerConfig:
        return BrokerConfig.from_properties(
            {
                **self.properties,
                "broker.id": str(broker_id),
                "listeners": f"PLAINTEXT://{host_of(broker_id)}:{PORT}",
                "log.dirs": ",".join(map(str, self.log_dirs(broker_id))),
            }
        )

    def _surroundings(self, life: Life, config: BrokerConfig, recorder: Recorder) -> Surroundings:
        assert isinstance(recorder, EventLog)
        recorder.life = f"{host_of(config.broker_id)}.{len(self.past)}"
        recorder.wall_clock = lambda: wall_clock_ms() / 1000
        life.events = recorder
        end = self.network.listener_of(host_of(config.broker_id))
        disk = self._disk(config.broker_id) if self.power_may_fail else UnsyncedDisk()
        return Surroundings(
            store=self._zookeeper(config.broker_id),
            listen=end.listen,
            connect=end.connect,
            disk=disk,
            clock_ms=wall_clock_ms,
            randomness=random.Random(self.randomness.getrandbits(32)),
            start_cleaner=in_this_process(disk),
        )

    def _disk(self, broker_id: int) -> SimulatedDisk:
        if broker_id not in self._disks:
            removed = self.directory / f"removed-{broker_id}"
            removed.mkdir()
            self._disks[broker_id] = SimulatedDisk(
                random.Random(self.randomness.getrandbits(32)), forgets_names=removed
            )
        return self._disks[broker_id]

    def _zookeeper(self, broker_id: int) -> ReachedZooKeeper:
        """Whether it is reached outlives the process, its session does not."""
        known = self.zookeepers.get(broker_id)
        reached = ReachedZooKeeper(self.store, self.nursery)
        if known is not None and not known.is_reachable:
            reached.cut()
        self.zookeepers[broker_id] = reached
        return reached

    # -- misfortune -------------------------------------------------------------

    def cut(self, one: int, other: int, *, one_way: bool = False) -> None:
        """Cut two brokers off each other; `one_way`: only what the first says is lost."""
        self.network.cut(host_of(one), host_of(other), one_way=one_way)

    def cut_from_zookeeper(self, *broker_ids: int) -> None:
        for broker_id in broker_ids:
            self.zookeepers[broker_id].cut()

    def cut_off(self, broker_id: int) -> None:
        """From every other broker and from ZooKeeper; clients still get there."""
        for other in self.zookeepers:
            if other != broker_id:
                self.cut(broker_id, other)
        self.cut_from_zookeeper(broker_id)

    def expire(self, broker_id: int) -> None:
        """ZooKeeper ends its session at once."""
        self.zookeepers[broker_id].expire()

    def heal(self) -> None:
        self.network.restore_all()
        for zookeeper in self.zookeepers.values():
            zookeeper.restore()

    # -- looking ----------------------------------------------------------------

    def brokers(self) -> Iterator[Broker]:
        for _, life in sorted(self.lives.items()):
            if life.broker is not None:
                yield life.broker

    def broker(self, broker_id: int) -> Broker:
        found = self.lives[broker_id].broker
        assert found is not None
        return found

    @property
    def controller(self) -> Broker | None:
        """The one that ZooKeeper's epoch belongs to; an outdated one may believe otherwise."""
        seated = [b for b in self.brokers() if b.is_controller]
        return max(seated, key=lambda b: b.controller.active.epoch, default=None)  # type: ignore[union-attr]

    def events(self) -> list[Event]:
        """What all brokers of all lives recorded, in order of time."""
        logs = [life.events for life in [*self.past, *self.lives.values()] if life.events]
        return sorted((e for each in logs for e in each.recent), key=lambda e: e.time_ms)

    async def until(
        self, condition: Callable[[], object], what: str, timeout_s: float = 60
    ) -> None:
        """Wait, by the mock clock, until `condition()`."""
        with trio.move_on_after(timeout_s):
            while not condition():  # noqa: ASYNC110  (what is looked at doesn't know of us)
                await trio.sleep(0.05)
            return
        raise AssertionError(f"not in {timeout_s:g} s: {what}")

    def _all_know_all(self) -> bool:
        running = set(self.lives)
        brokers = list(self.brokers())
        return len(brokers) == len(running) and all(
            set(b.metadata.current.brokers) == running
            and b.metadata.current.controller_id in running
            for b in brokers
        )


@asynccontextmanager
async def open_ensemble(
    directory: Path,
    randomness: random.Random,
    store: MemoryStore,
    power_may_fail: bool = False,
    directories: int = 1,
    **properties: str,
) -> AsyncIterator[Ensemble]:
    """An ensemble without brokers yet; those that still run at the end are crashed."""
    overrides = {name.replace("_", "."): value for name, value in properties.items()}
    async with trio.open_nursery() as nursery:
        ensemble = Ensemble(
            directory,
            randomness,
            nursery,
            store,
            {**PROPERTIES, **overrides},
            power_may_fail,
            directories,
        )

        def build(config: BrokerConfig, *rest: object) -> Broker:
            built = build_broker(config, *rest)  # type: ignore[arg-type]
            ensemble.lives[config.broker_id].broker = built
            return built

        with patch.object(broker.run, "build_broker", build):
            yield ensemble
            await ensemble.crash(*ensemble.lives)
            nursery.cancel_scope.cancel()
