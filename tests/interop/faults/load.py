"""A producer that goes on whatever happens, and remembers what it was promised."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
from confluent_kafka import KafkaError, Message, Producer

KEYS = 24
RECORDS_PER_TICK = 2
TICK_S = 0.005

# Longer than any fault here: the load waits for the cluster, it never gives a record up.
DELIVERY_TIMEOUT_S = 120
ENOUGH_TIMEOUT_S = 90.0

PRODUCER = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 2,
    "message.timeout.ms": DELIVERY_TIMEOUT_S * 1000,
    # librdkafka backs off up to 10 s from a broker that was down, which would hide our own times.
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 200,
    "retry.backoff.ms": 50,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "log_level": 0,
}


@attrs.frozen
class Acknowledgement:
    """One record that the cluster has promised to keep. `at_s` is of the monotonic clock.

    `offset` is None when its own answer was lost and that of a later record spoke for it too.
    """

    key: int
    number: int
    partition: int
    offset: int | None
    at_s: float


@attrs.define(eq=False)
class Load:
    """What was sent, what was acknowledged, what was refused. Filled by the producer's thread."""

    topic: str
    sent: list[int] = attrs.field(factory=lambda: [0] * KEYS)  # how many of each key
    acknowledged: list[Acknowledgement] = attrs.field(factory=list)
    failures: list[str] = attrs.field(factory=list)
    _stopping: threading.Event = attrs.field(factory=threading.Event, init=False)
    _stopped: threading.Event = attrs.field(factory=threading.Event, init=False)
    _abandoned: threading.Event = attrs.field(factory=threading.Event, init=False)

    def wait_for_more(self, count: int = 200) -> None:
        """Block until `count` more records than now are acknowledged."""
        wanted = len(self.acknowledged) + count
        deadline = time.monotonic() + ENOUGH_TIMEOUT_S
        while len(self.acknowledged) < wanted:
            if self.failures:
                raise AssertionError(f"the producer gave up on a record: {self.failures[:5]}")
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{len(self.acknowledged)} of {sum(self.sent)} records are acknowledged, "
                    f"the last one {deadline - self.acknowledged[-1].at_s:.1f} s ago"
                )
            time.sleep(TICK_S)

    def positions(self) -> set[tuple[int, int]]:
        """Partition and offset of what is acknowledged, as far as they were told."""
        return {
            (each.partition, each.offset)
            for each in list(self.acknowledged)  # the producer's thread goes on adding
            if each.offset is not None
        }

    def longest_gap_s(self) -> float:
        """The longest silence between two acknowledgements, of whatever partitions."""
        times = [each.at_s for each in self.acknowledged]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def first_after(self, moment_s: float) -> float:
        """The time from `moment_s` to the next acknowledgement, in seconds."""
        return next(each.at_s for each in self.acknowledged if each.at_s > moment_s) - moment_s

    def all_partitions_after(self, moment_s: float) -> float:
        """The time from `moment_s` until each partition has acknowledged something, in seconds."""
        first: dict[int, float] = {}
        for each in self.acknowledged:
            if each.at_s > moment_s:
                first.setdefault(each.partition, each.at_s)
        assert first.keys() == {each.partition for each in self.acknowledged}
        return max(first.values()) - moment_s

    def run(self, bootstrap: str) -> None:
        """The producer's thread: send until `stop` is called, then wait for what is under way."""
        try:
            producer = Producer({"bootstrap.servers": bootstrap, **PRODUCER})
            key = 0
            while not self._stopping.is_set():
                for _ in range(RECORDS_PER_TICK):
                    key = (key + 1) % KEYS
                    self._produce(producer, key)
                producer.poll(TICK_S)
                self._stopping.wait(TICK_S)
            while producer.flush(1.0) and not self._abandoned.is_set():
                pass
        finally:
            self._stopped.set()

    def stop(self) -> None:
        """Send no more, and block until every record is acknowledged or refused."""
        self._stopping.set()
        if not self._stopped.wait(ENOUGH_TIMEOUT_S):
            raise TimeoutError(f"{len(self.acknowledged)} of {sum(self.sent)} records arrived")

    def abandon(self) -> None:
        """End whatever became of the records; nothing to do after `stop`."""
        self._abandoned.set()
        self._stopping.set()
        self._stopped.wait()

    def _produce(self, producer: Producer, key: int) -> None:
        number = self.sent[key]
        self.sent[key] += 1

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self.failures.append(f"{key}:{number}: {error}")
                return
            partition = message.partition()
            assert partition is not None
            self.acknowledged.append(
                Acknowledgement(key, number, partition, message.offset(), time.monotonic())
            )

        producer.produce(self.topic, f"{number}", f"{key}", on_delivery=delivered)


@contextmanager
def running_load(bootstrap: str, topic: str) -> Iterator[Load]:
    """Produce to `topic` until `stop`, at the latest until the block ends."""
    load = Load(topic)
    threading.Thread(target=load.run, args=(bootstrap,), name="load", daemon=True).start()
    try:
        load.wait_for_more()
        yield load
    finally:
        load.abandon()
