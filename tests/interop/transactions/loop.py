"""Consume, transform, produce with librdkafka: `python -m tests.interop.transactions.loop ARGS`.

ARGS: bootstrap, input topic, output topic, group, transactional id, percentage of transactions to
abort at random. Each batch of records goes to the output topic in one transaction with its offsets.
Whatever demands it is aborted and read again; what is fatal, or hangs, ends the program, for
somebody to start it anew. SIGTERM ends it between two transactions.

It always says by number where to read, and never "from the beginning". An assignment that overtakes
such a query leaves librdkafka's timer for the next one running: half a second later a consumer that
has long read on is sent back to the beginning (its issue 2256), and all of that is passed on twice.
"""

import faulthandler
import random
import signal
import sys
import threading
from collections.abc import Callable

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

BATCH_RECORDS = 50
POLL_S = 0.2
CALL_TIMEOUT_S = 15.0
HANGING_S = 2 * CALL_TIMEOUT_S

# As in tests.interop.faults.load: not librdkafka's own ten seconds between two attempts.
RECONNECT = {
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 200,
    "retry.backoff.ms": 50,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "log_level": 0,
}


def main(bootstrap: str, source: str, target: str, group: str, name: str, aborts: int) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": 6000,
            **RECONNECT,
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": name,
            "transaction.timeout.ms": 10_000,
            **RECONNECT,
        }
    )
    stopping, rebalanced = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())

    def on_assign(_: Consumer, partitions: list[TopicPartition]) -> None:
        rebalanced.set()
        consumer.assign(starts(consumer, partitions) if partitions else [])

    def on_revoke(*_: object) -> None:
        rebalanced.set()

    again(lambda: producer.init_transactions(CALL_TIMEOUT_S))
    consumer.subscribe([source], on_assign, on_revoke, on_revoke)
    chance = random.Random(name)
    while not stopping.is_set():
        batch = [m for m in consumer.consume(BATCH_RECORDS, POLL_S) if m.error() is None]
        if rebalanced.is_set():
            # Some of the batch may be of partitions that somebody else has been given meanwhile.
            rebalanced.clear()
            rewind(consumer)
            continue
        if not batch:
            continue
        producer.begin_transaction()
        try:
            pass_on(producer, consumer, target, batch, give_up=chance.randrange(100) < aborts)
        except KafkaException as error:
            if not requires_abort(error):
                raise
            print("aborted:", error, flush=True)
            again(lambda: producer.abort_transaction(CALL_TIMEOUT_S))
            rewind(consumer)
    consumer.close()


def pass_on(
    producer: Producer, consumer: Consumer, target: str, batch: list[Message], *, give_up: bool
) -> None:
    """One transaction, committed; with `give_up` it ends where it would have been."""
    for message in batch:
        producer.produce(target, message.value(), message.key())
    if give_up:
        producer.flush(CALL_TIMEOUT_S)  # so that there is something to abort
        raise KafkaException(
            KafkaError(KafkaError._APPLICATION, "by chance", txn_requires_abort=True)
        )
    positions = consumer.position(consumer.assignment())
    read = [each for each in positions if each.offset >= 0]
    metadata = consumer.consumer_group_metadata()
    again(lambda: send_offsets(producer, read, metadata))
    again(lambda: producer.commit_transaction(CALL_TIMEOUT_S))
    print("committed", len(batch), flush=True)


def send_offsets(producer: Producer, read: list[TopicPartition], metadata: object) -> None:
    """As part of the transaction; if that hangs, the program ends.

    librdkafka forgets the time limit (its issue 5456), and waits for a group coordinator that has
    left the metadata until some other broker comes or goes (5511), whatever kind the brokers are.
    """
    faulthandler.dump_traceback_later(HANGING_S, exit=True)
    try:
        producer.send_offsets_to_transaction(read, metadata, CALL_TIMEOUT_S)
    finally:
        faulthandler.cancel_dump_traceback_later()


def again(call: Callable[[], object]) -> None:
    """Until it succeeds, or its error says that asking again is of no use."""
    while True:
        try:
            call()
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            print("again:", error, flush=True)
        else:
            return


def requires_abort(error: KafkaException) -> bool:
    cause: KafkaError = error.args[0]
    return cause.txn_requires_abort()


def rewind(consumer: Consumer) -> None:
    """Read again from what is committed."""
    partitions = consumer.assignment()
    if partitions:
        consumer.assign(starts(consumer, partitions))


def starts(consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    """Where to read on: at what is committed, or where the partition begins."""
    while True:
        try:
            committed = consumer.committed(partitions, CALL_TIMEOUT_S)
            return [p if p.offset >= 0 else beginning(consumer, p) for p in committed]
        except KafkaException as error:
            print("not yet known where to read:", error, flush=True)


def beginning(consumer: Consumer, partition: TopicPartition) -> TopicPartition:
    offset = consumer.get_watermark_offsets(partition, CALL_TIMEOUT_S)[0]
    return TopicPartition(partition.topic, partition.partition, offset)


if __name__ == "__main__":
    main(*sys.argv[1:6], int(sys.argv[6]))  # type: ignore[call-arg]
