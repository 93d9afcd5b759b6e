"""Stories that chance makes up: producers and a reader go on while everything breaks.

Whatever happens, the checker must find nothing, and after the last repair everybody must be back
in sync. What may happen is a table of weights: `ANYTHING`, or what the test is about.
"""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

import attrs
import trio

from broker.network.peers import PeerUnavailable
from broker.replica.roles import Leading
from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from tests.simulation.client import Acknowledged, Client
from tests.simulation.reassigning import reassign
from tests.simulation.stage import Stage

BROKERS = (1, 2, 3)
PARTITIONS = (TopicPartition("t", 0), TopicPartition("t", 1))
LONGEST_PAUSE_S = 8.0  # longer than a session, so that some failures are noticed and some are not

# Of brokers, so that a story has no long waits to simulate.
QUICK = MappingProxyType(
    {
        "replica_lag_time_max_ms": "5000",
        "zookeeper_connection_timeout_ms": "1000000",
        "controlled_shutdown_max_retries": "2",
        "controller_socket_timeout_ms": "5000",
        "replica_socket_timeout_ms": "5000",
    }
)

# Methods of `Chance`, with how often each is taken.
ANYTHING = MappingProxyType(
    {
        "crash": 2,
        "crash_all": 1,
        "start": 3,
        "stop": 1,
        "cut": 2,
        "cut_off": 1,
        "slow": 1,
        "cut_from_zookeeper": 1,
        "expire": 1,
        "heal": 2,
        "reassign": 2,
    }
)
LINKS = MappingProxyType(
    {"cut": 4, "cut_off": 2, "isolate_a_leader": 2, "slow": 1, "cut_from_zookeeper": 2, "heal": 3}
)


async def story(
    stage: Stage,
    steps: int,
    may_happen: Mapping[str, int] = ANYTHING,
    topic_configs: Mapping[str, str] = MappingProxyType({"min_insync_replicas": "2"}),
) -> None:
    await stage.ensemble.start(*BROKERS)
    await stage.client.create_topic("t", {0: (1, 2, 3), 1: (2, 3, 1)}, **topic_configs)
    await stage.checker.settled()
    ended = trio.Event()
    async with trio.open_nursery() as nursery:
        for name in ("client-a", "client-b"):
            nursery.start_soon(produce, stage, stage.new_client(name), ended)
        nursery.start_soon(produce_carelessly, stage, stage.new_client("careless"), ended)
        nursery.start_soon(read, stage, stage.new_client("reader"), ended)
        chance = Chance(stage, nursery, may_happen)
        for _ in range(steps):
            chance.step()
            await trio.sleep(stage.randomness.uniform(0, LONGEST_PAUSE_S))
        await chance.repair()
        ended.set()
    await stage.checker.settled(timeout_s=120)


async def produce(stage: Stage, client: Client, ended: trio.Event) -> None:
    """Idempotent, acks=all, and never gives up."""
    producer = await client.producer(timeout_s=1000)
    number = 0
    while not ended.is_set():
        tp = stage.randomness.choice(PARTITIONS)
        values = [f"{client.name}-{number + n}" for n in range(stage.randomness.randint(1, 3))]
        number += len(values)
        await producer.send(tp, *values, timeout_s=1000)
        await trio.sleep(stage.randomness.uniform(0, 0.5))
    stage.client.acknowledged.extend(client.acknowledged)


async def produce_carelessly(stage: Stage, client: Client, ended: trio.Event) -> None:
    """acks=1 and no retries: what it sends may be lost, but never be there twice."""
    number = 0
    while not ended.is_set():
        number += 1
        at = stage.randomness.choice(BROKERS)
        tp = stage.randomness.choice(PARTITIONS)
        with suppress(PeerUnavailable):
            await client.produce(tp, f"careless-{number}", acks=1, at=at)
        await trio.sleep(stage.randomness.uniform(0, 1))


async def read(stage: Stage, client: Client, ended: trio.Event) -> None:
    """A consumer that asks anybody: what it has once seen must stay where it was."""
    positions = dict.fromkeys(PARTITIONS, 0)
    while not ended.is_set():
        tp = stage.randomness.choice(PARTITIONS)
        try:
            fetched = await client.fetch(tp, positions[tp], at=stage.randomness.choice(BROKERS))
        except PeerUnavailable:
            continue
        finally:
            await trio.sleep(0.2)
        if fetched.error is ErrorCode.NONE:
            stage.client.acknowledged.extend(
                Acknowledged(tp, positions[tp] + n, value) for n, value in enumerate(fetched.values)
            )
            positions[tp] += len(fetched.values)


@attrs.define
class Chance:
    """What can happen, and how it's repaired."""

    stage: Stage
    nursery: trio.Nursery
    may_happen: Mapping[str, int]

    def step(self) -> None:
        names, weights = list(self.may_happen), list(self.may_happen.values())
        [what] = self.stage.randomness.choices(names, weights)
        getattr(self, what)()

    @property
    def running(self) -> list[int]:
        return sorted(self.stage.ensemble.lives)

    def anyone(self) -> int:
        return self.stage.randomness.choice(BROKERS)

    def crash(self) -> None:
        if self.running:
            victim = self.stage.randomness.choice(self.running)
            self.nursery.start_soon(self.stage.ensemble.crash, victim)

    def crash_all(self) -> None:
        self.nursery.start_soon(self.stage.ensemble.crash, *self.running)

    def start(self) -> None:
        dead = sorted(set(BROKERS) - set(self.running))
        if dead:
            self.stage.ensemble.launch(self.stage.randomness.choice(dead))

    def stop(self) -> None:
        if self.running:
            self.nursery.start_soon(
                self.stage.ensemble.stop, self.stage.randomness.choice(self.running)
            )

    def cut(self) -> None:
        one, other = self.stage.randomness.sample(BROKERS, 2)
        self.stage.ensemble.cut(one, other, one_way=self.stage.randomness.random() < 0.5)

    def cut_off(self) -> None:
        self.stage.ensemble.cut_off(self.anyone())

    def isolate_a_leader(self) -> None:
        """One that some client still reaches and that still believes in its leadership."""
        tp = self.stage.randomness.choice(PARTITIONS)
        for broker in self.stage.ensemble.brokers():
            partition = broker.replicas.partitions.get(tp)
            if partition is not None and isinstance(partition.role, Leading):
                self.stage.ensemble.cut_off(broker.broker_id)
                return

    def slow(self) -> None:
        one, other = self.stage.randomness.sample(BROKERS, 2)
        delay_s = self.stage.randomness.uniform(0, 1)
        self.stage.ensemble.network.delay(f"broker-{one}", f"broker-{other}", delay_s)

    def cut_from_zookeeper(self) -> None:
        self.stage.ensemble.cut_from_zookeeper(self.anyone())

    def expire(self) -> None:
        self.stage.ensemble.expire(self.anyone())

    def heal(self) -> None:
        self.stage.ensemble.heal()

    def reassign(self) -> None:
        """To two or three brokers in any order, or back; whoever is dead refuses, or is refused."""
        tp = self.stage.randomness.choice(PARTITIONS)
        count = self.stage.randomness.choice((2, 3))
        replicas = tuple(self.stage.randomness.sample(BROKERS, count))
        cancel = self.stage.randomness.random() < 0.2
        self.nursery.start_soon(self._try_to_reassign, tp, None if cancel else replicas)

    async def _try_to_reassign(self, tp: TopicPartition, replicas: tuple[int, ...] | None) -> None:
        with suppress(AssertionError):
            await reassign(self.stage.new_client("admin"), tp, replicas, timeout_s=10)

    async def repair(self) -> None:
        """Everything works and runs again; who is just leaving is waited for."""
        self.stage.ensemble.heal()
        for life in list(self.stage.ensemble.lives.values()):
            if life.shutdown.is_set():
                await life.ended.wait()
        await self.stage.ensemble.start(*sorted(set(BROKERS) - set(self.running)))
