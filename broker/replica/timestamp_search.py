"""The first record of a partition that is not earlier than a time, for ListOffsets.

The log's indexes tell in which batch it should be. To know, the batch must be opened and decoded: a
megabyte of small records takes a tenth of a second, which the event loop doesn't have. A thread
does it. Meanwhile anything may happen to the partition, and nothing that was looked up before is
used afterwards:

    it has another leader, or is gone        as `find_partition` says
    its log was cut back, or exchanged       from the start again: those bytes may be others now
    its beginning went, it was compacted     the search goes on behind the batch, wherever that is
"""

from collections.abc import Callable

import trio

from broker.log.partition_log import PartitionLog
from broker.log.timestamps import Candidate
from broker.log.values import MAX_TIMESTAMP, TimestampOffset
from broker.replica.partition import Partition
from broker.wire.errors import KafkaError


async def find_record(
    find_partition: Callable[[], Partition], timestamp_ms: int, threads: trio.CapacityLimiter
) -> TimestampOffset | None:
    """MAX_TIMESTAMP: that of the largest one. Raises what `find_partition` does, and
    KAFKA_STORAGE_ERROR, CORRUPT_MESSAGE, INVALID_RECORD."""
    while True:
        log = find_partition().log
        truncations = log.truncations
        least_ms, start_offset = timestamp_ms, log.log_start_offset
        from_offset: int | None = start_offset
        if timestamp_ms == MAX_TIMESTAMP:
            (least_ms, from_offset), start_offset = log.latest(), 0
        while from_offset is not None:
            candidate, from_offset = log.candidate(least_ms, from_offset)
            found = await _look_into(log, candidate, start_offset, threads)
            if find_partition().log is not log or log.truncations != truncations:
                break
            if found is not None:
                return found
        else:
            return None


async def _look_into(
    log: PartitionLog, candidate: Candidate | None, start_offset: int, threads: trio.CapacityLimiter
) -> TimestampOffset | None:
    if candidate is None:
        await trio.lowlevel.checkpoint()
        return None
    truncations = log.truncations
    try:
        with log.local.storage:
            return await trio.to_thread.run_sync(candidate.find, start_offset, limiter=threads)
    except KafkaError:
        if log.truncations == truncations:
            raise
        return None  # of what was cut off
