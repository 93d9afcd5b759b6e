"""Appending what a producer sent, and waiting until it may be acknowledged.

`append` is synchronous and comes first: all partitions of a request, in the
order of the request, without a single await. So requests of one connection
can't overtake each other. `wait_until_acknowledged` comes after and may overlap
with anything.

    acks  0   no answer
          1   answered when it's in the leader's log
        all   answered when the high watermark has passed it: it's in the log of
              every member of the ISR, and these are at least min.insync.replicas

An acks=all append that runs into the request's timeout is answered with
REQUEST_TIMED_OUT. It stays in the log: the producer sends it again, and the
idempotent producer's sequence number tells the two apart.

If meanwhile the ISR has become too small, the copy waits like the first one (see
`Partition.append_as_leader`), but not that long: it would come again and again, and
every time hold up the answers for other partitions on its connection.

Kafka: ReplicaManager.appendRecords, DelayedProduce.
"""

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs
import trio

from broker.log.validation import NotOneBatch, Prepared
from broker.log.values import AppendInfo, Origin
from broker.log.verifications import VerificationGuard
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.waiting import wait_until
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition

_log = logging.getLogger(__name__)

ALL = -1

Guards = Mapping[TopicPartition, VerificationGuard]
NO_GUARDS: Guards = MappingProxyType({})

# Refusals that say nothing of the log, not even where it starts, as in Kafka's appendToLocalLog:
# there is none here, or it was not looked at, or it can't be trusted.
_OF_NO_LOG = frozenset(
    {
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)

# The batch's own fault. Its producer hears little more than the code, so the log tells why.
_OF_THE_BATCH = frozenset(
    {
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.INVALID_RECORD,
        ErrorCode.INVALID_TIMESTAMP,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.UNKNOWN_SERVER_ERROR,
    }
)

# Long enough for a follower that is alive to join the ISR of a new leader.
SENT_AGAIN_PATIENCE_S = 1.0


@attrs.define
class Appended:
    """What came of one partition's batches. `error` is None when all went well.

    One that is in the log but not committed in time has its offsets *and* an error.
    """

    topic_partition: TopicPartition
    error: KafkaError | None = None
    base_offset: int = -1
    log_append_time_ms: int = -1
    log_start_offset: int = -1
    # For the wait: where the append ended, and under which leadership.
    end_offset: int = -1
    leader_epoch: int = -1
    partition: Partition | None = None
    waits_for_isr: bool = False  # sent again, to a leader whose ISR is too small now


def append(
    replicas: ReplicaManager,
    records: Iterable[tuple[TopicPartition, memoryview | Prepared]],
    acks: int,
    origin: Origin = Origin.CLIENT,
    guards: Guards = NO_GUARDS,
) -> list[Appended]:
    """Append to each partition; one that can't be appended to has its error, the others go on.

    guards: for partitions in which a transaction begins, from `broker.replica.verification`.
    """
    now_s = trio.current_time()
    return [
        _append_one(replicas, tp, batches, acks, origin, guards.get(tp), now_s)
        for tp, batches in records
    ]


def _append_one(
    replicas: ReplicaManager,
    topic_partition: TopicPartition,
    batches: memoryview | Prepared,
    acks: int,
    origin: Origin,
    guard: VerificationGuard | None,
    now_s: float,
) -> Appended:
    try:
        partition, info = _append_in_order(
            replicas, topic_partition, batches, acks, origin, guard, now_s
        )
    except KafkaError as error:
        if error.code in _OF_THE_BATCH:
            _log.info("refused a batch for %s: %s", topic_partition, error)
        _count_refused(replicas, topic_partition, batches, error)
        if _is_of_no_log(error):
            return Appended(topic_partition, error.alone())
        start = replicas.find(topic_partition).log.log_start_offset
        return Appended(topic_partition, error.alone(), log_start_offset=start)
    except OSError as error:
        return Appended(topic_partition, KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error)))
    traffic = partition.traffic
    traffic.produce_requests += 1
    traffic.messages_in += info.end_offset - info.first_offset
    traffic.bytes_in += info.size_bytes
    return Appended(
        topic_partition,
        base_offset=info.first_offset,
        log_append_time_ms=info.log_append_time_ms,
        log_start_offset=info.log_start_offset,
        end_offset=info.end_offset,
        leader_epoch=partition.leader_epoch,
        partition=partition,
        waits_for_isr=info.is_duplicate and acks == ALL and partition.is_under_min_isr,
    )


def _count_refused(
    replicas: ReplicaManager,
    topic_partition: TopicPartition,
    batches: memoryview | Prepared,
    error: KafkaError,
) -> None:
    """As Kafka counts: what says nothing of the log is no failure."""
    partition = replicas.partitions.get(topic_partition)
    if partition is None:
        return
    partition.traffic.produce_requests += 1
    if not _is_of_no_log(error):
        partition.traffic.failed_produce_requests += 1
    if error.code is ErrorCode.MESSAGE_TOO_LARGE:
        sent = batches.sent if isinstance(batches, Prepared) else batches
        partition.traffic.bytes_rejected += len(sent)


def _append_in_order(
    replicas: ReplicaManager,
    topic_partition: TopicPartition,
    batches: memoryview | Prepared,
    acks: int,
    origin: Origin,
    guard: VerificationGuard | None,
    now_s: float,
) -> tuple[Partition, AppendInfo]:
    """Append, but nothing behind a batch that was refused shortly before: see `refusals`.

    A coordinator numbers nothing.
    """
    if origin is not Origin.CLIENT:
        partition = replicas.find(topic_partition)
        return partition, partition.append_as_leader(batches, acks, now_s, origin, guard)
    refusals = replicas.refusals
    try:
        partition = replicas.find(topic_partition)
        known = partition.log.producers.ids
        refusals.check_newcomer(topic_partition, batches, known, now_s)
        return partition, partition.append_as_leader(batches, acks, now_s, origin, guard)
    except KafkaError as error:
        if error.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
            refusals.check_out_of_order(topic_partition, batches, now_s)
        refusals.remember(topic_partition, batches, error, now_s)
        raise


def _is_of_no_log(error: KafkaError) -> bool:
    return error.code in _OF_NO_LOG or isinstance(error, NotOneBatch)


def are_acknowledged(appended: Iterable[Appended]) -> bool:
    """Whether all are committed, or can't be: there's nothing more to wait for."""
    try:
        return all(
            entry.error is not None
            or (
                entry.partition is not None
                and entry.partition.is_acknowledged(entry.end_offset, entry.leader_epoch)
            )
            for entry in appended
        )
    except KafkaError:
        return False


async def wait_until_acknowledged(appended: Iterable[Appended], timeout_s: float) -> None:
    """Wait until all are committed; one that isn't in time, or can't be, gets its error."""
    deadline_s = trio.current_time() + timeout_s
    waiting = [a for a in appended if a.error is None]
    sent_again = [a for a in waiting if a.waits_for_isr]
    for entry in await _not_acknowledged(sent_again, min(timeout_s, SENT_AGAIN_PATIENCE_S)):
        entry.error = KafkaError(
            ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            f"{entry.topic_partition} has it, but its ISR is too small to commit it",
        )
    first_sent = [a for a in waiting if not a.waits_for_isr]
    for entry in await _not_acknowledged(first_sent, deadline_s - trio.current_time()):
        entry.error = KafkaError(
            ErrorCode.REQUEST_TIMED_OUT,
            f"{entry.topic_partition} is not committed after {timeout_s:g} s",
        )


async def _not_acknowledged(appended: Iterable[Appended], timeout_s: float) -> list[Appended]:
    """Those that are neither committed nor refused when all are, or after `timeout_s`."""
    waiting = list(appended)

    def look() -> bool:
        for entry in list(waiting):
            assert entry.partition is not None
            try:
                if entry.partition.is_acknowledged(entry.end_offset, entry.leader_epoch):
                    waiting.remove(entry)
            except KafkaError as error:
                entry.error = error
                waiting.remove(entry)
        return not waiting

    movements = [a.partition.committed for a in waiting if a.partition is not None]
    await wait_until(look, movements, timeout_s)
    return waiting
