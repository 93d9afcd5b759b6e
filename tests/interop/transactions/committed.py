"""What a reader of committed records sees, from the beginning to the last stable offset."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import attrs
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from tests.support.waiting import wait_until

TIMEOUT_S = 60.0
CALL_TIMEOUT_S = 10.0
POLL_S = 0.1

Isolation = Literal["read_committed", "read_uncommitted"]


@attrs.frozen
class Record:
    partition: int
    offset: int
    key: str
    value: str


@attrs.define(eq=False)
class CommittedReader:
    """Reads on from where it was, and keeps all that it has read."""

    bootstrap: str
    topic: str
    isolation: Isolation = "read_committed"
    records: list[Record] = attrs.field(factory=list)
    partitions: list[int] = attrs.field(init=False)
    _consumer: Consumer = attrs.field(init=False)
    # The offset of each partition at which there was no more to read.
    _read_up_to: dict[int, int] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "auditor",  # never used: nothing is committed
                "enable.auto.commit": False,
                "isolation.level": self.isolation,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",  # rather than to leave something out
                "fetch.wait.max.ms": 100,
                "reconnect.backoff.max.ms": 200,
                "log_level": 0,
            }
        )
        # A broker that was just restarted knows of no topic until the controller has told it.
        wait_until(f"{self.topic} to be known", self._knows_the_topic, TIMEOUT_S)
        self._consumer.assign(
            [TopicPartition(self.topic, number, OFFSET_BEGINNING) for number in self.partitions]
        )

    def _knows_the_topic(self) -> bool:
        topic = self._consumer.list_topics(self.topic, CALL_TIMEOUT_S).topics[self.topic]
        self.partitions = sorted(topic.partitions)
        return bool(self.partitions)

    def close(self) -> None:
        self._consumer.close()

    def read(self, timeout_s: float = 0.2) -> None:
        """Add what comes within that time to `records`."""
        for message in self._consumer.consume(1000, timeout_s):
            error, partition, offset = message.error(), message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            if error is None:
                key, value = message.key() or b"", message.value() or b""
                self.records.append(Record(partition, offset, key.decode(), value.decode()))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._read_up_to[partition] = offset
            elif error.fatal() or error.code() == KafkaError._AUTO_OFFSET_RESET:
                raise KafkaException(error)
            # All else is a broker that is away, for a while.

    def read_to_the_end(self, timeout_s: float = TIMEOUT_S) -> list[Record]:
        """All records up to where each partition ends now; all that it ever read.

        Where that is says ListOffsets: a leader that was just elected answers it only when it
        knows (KIP-207), but a fetch at once.
        """
        ends = self.end_offsets()
        deadline = time.monotonic() + timeout_s
        while behind := {n for n, end in ends.items() if self._read_up_to.get(n, -1) < end}:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no end of {self.topic}-{sorted(behind)} in {timeout_s:.0f} s")
            self.read()
        return self.records

    def end_offsets(self) -> dict[int, int]:
        """The last stable offset of each partition; the high watermark for `read_uncommitted`."""
        return {number: self._end_offset(number) for number in self.partitions}

    def _end_offset(self, number: int) -> int:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                partition = TopicPartition(self.topic, number)
                return self._consumer.get_watermark_offsets(partition, CALL_TIMEOUT_S)[1]
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise
                if error.args[0].code() == KafkaError._UNKNOWN_PARTITION:
                    self._ask_for_the_metadata()
                time.sleep(POLL_S)

    def _ask_for_the_metadata(self) -> None:
        """That a partition is unknown says librdkafka, and no broker: it once heard of a part of
        the topic, from one that had just been restarted, and answers from its cache until that is
        minutes old (topic.metadata.refresh.interval.ms). If no broker knows it, it stays so.
        """
        with suppress(KafkaException):
            self._consumer.list_topics(self.topic, CALL_TIMEOUT_S)


def committed_records(
    bootstrap: str, topic: str, isolation: Isolation = "read_committed"
) -> list[Record]:
    """All that a new reader sees."""
    reader = CommittedReader(bootstrap, topic, isolation)
    try:
        return list(reader.read_to_the_end())
    finally:
        reader.close()


def values_by_partition(
    bootstrap: str, topic: str, isolation: Isolation = "read_committed"
) -> dict[int, list[str]]:
    """What a new reader sees in each partition, the empty ones too."""
    reader = CommittedReader(bootstrap, topic, isolation)
    try:
        found: dict[int, list[str]] = {number: [] for number in reader.partitions}
        for record in reader.read_to_the_end():
            found[record.partition].append(record.value)
        return found
    finally:
        reader.close()


def last_stable_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    return _end_offsets(bootstrap, topic, "read_committed")


def high_watermarks(bootstrap: str, topic: str) -> dict[int, int]:
    return _end_offsets(bootstrap, topic, "read_uncommitted")


def _end_offsets(bootstrap: str, topic: str, isolation: Isolation) -> dict[int, int]:
    reader = CommittedReader(bootstrap, topic, isolation)
    try:
        return reader.end_offsets()
    finally:
        reader.close()


def nothing_is_open(bootstrap: str, topic: str) -> Callable[[], bool]:
    """For `wait_until`: whether no transaction holds readers of that topic back."""
    return lambda: last_stable_offsets(bootstrap, topic) == high_watermarks(bootstrap, topic)
