"""The workload of tests.support.list_append on a cluster: writers, readers, and their history.

Each writer has a transactional id of its own. A transaction appends one to four values to random
keys and is committed, aborted, or left open and ended by the writer's next instance, which fences
it. When a commit fails, nobody knows what became of it, until the next instance has begun; its
values may be there or not, but all or none.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
from confluent_kafka import KafkaException, Producer

from tests.interop.transactions.committed import values_by_partition
from tests.interop.transactions.loop import RECONNECT
from tests.support.list_append import Outcome, Read, Transaction

WRITERS = 4
READERS = 2
CALL_TIMEOUT_S = 20.0
ABORT_PERCENT, ABANDON_PERCENT = 15, 3
STOP_TIMEOUT_S = 90.0


@attrs.define(eq=False)
class History:
    """What the threads have seen so far."""

    transactions: list[Transaction] = attrs.field(factory=list)
    reads: list[Read] = attrs.field(factory=list)
    defects: list[BaseException] = attrs.field(factory=list)
    _stopping: threading.Event = attrs.field(factory=threading.Event, init=False)
    _threads: list[threading.Thread] = attrs.field(factory=list, init=False)

    @property
    def committed(self) -> int:
        return sum(each.outcome == "committed" for each in list(self.transactions))

    def wait_for_more(self, count: int = 100) -> None:
        """Block until `count` more transactions than now are committed."""
        wanted = self.committed + count
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self.committed < wanted and not self.defects:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.committed} of {wanted} transactions are committed")
            self._stopping.wait(0.05)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_S)
            assert not thread.is_alive(), f"{thread.name} does not end"
        assert self.defects == []


@contextmanager
def running_history(bootstrap: str, topic: str, keys: int, seed: int) -> Iterator[History]:
    history = History()

    def guarded(run: "type[_Writer] | type[_Reader]", number: int) -> None:
        try:
            run(history, bootstrap, topic, keys, random.Random(f"{seed}-{number}"), number).run()
        except BaseException as defect:
            history.defects.append(defect)
            raise

    history._threads += [
        threading.Thread(
            target=guarded, args=(run, number), name=f"{run.__name__}-{number}", daemon=True
        )
        for run, count in ((_Writer, WRITERS), (_Reader, READERS))
        for number in range(count)
    ]
    for thread in history._threads:
        thread.start()
    try:
        yield history
    finally:
        history._stopping.set()


def read_lists(bootstrap: str, topic: str) -> Read:
    """All lists by a new reader: a partition each."""
    began_at_s = time.monotonic()
    return Read(values_by_partition(bootstrap, topic), began_at_s, time.monotonic())


@attrs.define(eq=False)
class _Role:
    history: History
    bootstrap: str
    topic: str
    keys: int
    chance: random.Random
    number: int

    @property
    def going_on(self) -> bool:
        return not self.history._stopping.is_set()


class _Reader(_Role):
    def run(self) -> None:
        while self.going_on:
            try:
                self.history.reads.append(read_lists(self.bootstrap, self.topic))
            except (KafkaException, TimeoutError):
                continue  # a broker was away, which is no read


class _Writer(_Role):
    def run(self) -> None:
        count = 0
        producer = self._new_instance()
        while self.going_on:
            count += 1
            appends = tuple(
                (self.chance.randrange(self.keys), f"{self.number}-{count}-{place}")
                for place in range(self.chance.randint(1, 4))
            )
            began_at_s = time.monotonic()
            outcome = self._transaction(producer, appends)
            if outcome is None:
                producer = self._new_instance()
                outcome = "aborted"  # it was never asked to be committed
            elif outcome == "unknown":
                producer = self._new_instance()
            self.history.transactions.append(
                Transaction(appends, outcome, began_at_s, time.monotonic())
            )

    def _new_instance(self) -> Producer:
        """It ends what the one before has left open."""
        while True:
            producer = Producer(
                {
                    "bootstrap.servers": self.bootstrap,
                    "transactional.id": f"{self.topic}-{self.number}",
                    "transaction.timeout.ms": 10_000,
                    **RECONNECT,
                }
            )
            try:
                producer.init_transactions(CALL_TIMEOUT_S)
            except KafkaException:
                # Closed before there is another: instances that go on asking fence each other.
                del producer
                continue
            return producer

    def _transaction(
        self, producer: Producer, appends: tuple[tuple[int, str], ...]
    ) -> Outcome | None:
        """How it ended; None if it has not, and only a new instance can end it."""
        try:
            producer.begin_transaction()
            for key, value in appends:
                producer.produce(self.topic, value, partition=key)
            die = self.chance.randrange(100)
            if die < ABANDON_PERCENT:
                producer.flush(CALL_TIMEOUT_S)
                return None
            if die < ABANDON_PERCENT + ABORT_PERCENT:
                producer.flush(CALL_TIMEOUT_S)
                producer.abort_transaction(CALL_TIMEOUT_S)
                return "aborted"
        except KafkaException:
            return None
        try:
            producer.commit_transaction(CALL_TIMEOUT_S)
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                return "unknown"
        else:
            return "committed"
        try:
            producer.abort_transaction(CALL_TIMEOUT_S)
        except KafkaException:
            return None
        return "aborted"
