"""The owner's side: which logs are cleaned when, by whom, and what becomes of the result.

    run          every log.cleaner.backoff.ms: is a log due? then a worker is started for it,
                 as long as there are fewer of them than log.cleaner.threads
    worker       cleans that log, and then whatever else is due; with nothing left it is ended,
                 and its memory with it
    a round      claim ── job ── swap, swap, .. ── cleaned_to, checkpoint

A claim keeps others from the log: it is not cleaned twice at once, and retention leaves it alone.
It is given up when the log is truncated below what is being cleaned, or goes. The worker is killed
then, and what it was writing is removed. So it is when log.cleaner.* changes: it begins anew.

A log whose records can't be read is left alone. So is one at which the worker failed several times
in a row: no memory, a program that was exchanged under the broker, and many another reason don't
lie in the log and may pass.

Everything that touches the log happens in the event loop, between two awaits; a swap is some dozens
of renames, which free nothing (see `segment_files`).

Source: Kafka's `LogCleaner.CleanerThread`, `LogCleanerManager`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from functools import partial

import attrs
import trio

from broker.log.cleaner.choosing import LogToClean, filthiest
from broker.log.cleaner.cleaning import remove_unfinished
from broker.log.cleaner.job import Job, Replacement, SegmentToRead
from broker.log.cleaner.worker import (
    StartWorker,
    UncleanableLog,
    Worker,
    WorkerFailed,
    WorkerLost,
)
from broker.log.disk import Disk
from broker.log.local_log import CleaningClaim
from broker.log.log_config import CleanerConfig
from broker.log.log_directories import LogDirectories
from broker.log.partition_log import PartitionLog
from broker.log.upkeep import cleaned_offsets, in_thread
from broker.wire.errors import KafkaError
from coordination.values import Recorder, TopicPartition

_log = logging.getLogger(__name__)

_MOST_FAILURES = 3


@attrs.define(eq=False)
class LogCleaner:
    """The cleaner of one broker; `logs` and `moving` are the manager's, as they come and go."""

    config: CleanerConfig
    directories: LogDirectories
    logs: Mapping[TopicPartition, PartitionLog]
    moving: Container[TopicPartition]  # to another log directory: they wait
    disk: Disk
    clock_ms: Callable[[], int]
    threads: trio.CapacityLimiter
    recorder: Recorder
    start_worker: StartWorker
    _workers: int = attrs.field(default=0, init=False)
    # Since the last success, or change of log.cleaner.*; a log that is made anew is another one.
    _failures: Counter[PartitionLog] = attrs.field(factory=Counter, init=False)
    _checkpointing: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def uncleanable(self) -> Iterator[PartitionLog]:
        """The logs that are left alone, for they can't be read, or failed too often."""
        return (log for log, times in self._failures.items() if self._gave_up(log, times))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Started: at once."""
        async with trio.open_nursery() as nursery:
            task_status.started()
            while True:
                while self._workers < self.config.threads and (round_ := self._begin()):
                    self._workers += 1
                    nursery.start_soon(self._work, round_)
                await trio.sleep(self.config.backoff_ms / 1000)

    def reconfigure(self, config: CleanerConfig) -> None:
        """From now on; what is under way begins anew."""
        if config != self.config:
            self.config = config
            self._failures.clear()
            for log in self.logs.values():
                log.local.abandon_cleaning()

    async def checkpoint(self) -> None:
        """Write down up to where each log was cleaned: after a round, a truncation, a deletion."""
        async with self._checkpointing:
            for directory, logs in self.directories.online_with_logs(self.logs.values()):
                offsets = cleaned_offsets(logs)
                with suppress(KafkaError), directory.storage:  # which has taken note
                    await in_thread(self.threads, directory.cleaned_offsets.write, offsets)
                    for log in logs:
                        log.local.cleaned_checkpointed(offsets.get(log.topic_partition))

    # --- choosing

    def _begin(self) -> "_Round | None":
        """Claim the filthiest log that is due."""
        for log in [log for log in self._failures if not self._is_kept(log)]:
            del self._failures[log]
        try:
            chosen = filthiest(self._candidates(), self.clock_ms())
        except KafkaError:  # a `storage` has taken note
            return None
        if chosen is None:
            return None
        claim = CleaningClaim(chosen.first_uncleanable_offset, trio.CancelScope())
        chosen.log.local.claim = claim
        return _Round(chosen, claim)

    def _candidates(self) -> Iterator[PartitionLog]:
        for log in self.logs.values():
            if (
                log.config.is_compacted
                and log.local.claim is None
                and log.topic_partition not in self.moving
                and not log.is_failed
                and self._failures[log] < _MOST_FAILURES
            ):
                yield log

    def _gave_up(self, log: PartitionLog, times: int) -> bool:
        return times >= _MOST_FAILURES and self._is_kept(log)

    def _is_kept(self, log: PartitionLog) -> bool:
        """Whether it's still its partition's log."""
        return self.logs.get(log.topic_partition) is log

    # --- cleaning

    async def _work(self, round_: "_Round | None") -> None:
        """Clean what is due, one log after the other, until one is not finished."""
        try:
            async with self.start_worker() as worker:
                while round_ is not None and await self._finish(worker, round_):
                    round_ = self._begin()
            if round_ is not None:
                await self._remove_unfinished(round_.log)
        except OSError as error:
            _log.warning("no process for compaction could be started: %s", error)
        finally:
            self._workers -= 1
            if round_ is not None:
                self._release(round_.log)

    async def _finish(self, worker: Worker, round_: "_Round") -> bool:
        """A whole round; False if it ended before."""
        log, chosen, claim = round_.log, round_.chosen, round_.claim
        storage = log.local.storage
        size_bytes, began_s = log.local.segments.size_bytes, trio.current_time()
        cleaned = None
        with claim.scope:
            try:
                with storage:
                    job = job_for(chosen, self.config, self.clock_ms())
                cleaned = await worker.clean(job, partial(self._swap, log))
            except OSError as error:
                if not claim.is_given_up:  # then the files went away
                    storage.fail(error)
            except UncleanableLog as error:
                self._failed(round_, _MOST_FAILURES, str(error))
            except WorkerFailed as error:
                self._failed(round_, 1, str(error))
            except WorkerLost as error:
                _log.warning("%s: %s", log.topic_partition, error)
            except KafkaError:
                pass  # its `storage` has taken note
        if cleaned is None or claim.is_given_up:
            return False
        log.local.cleaned_to = cleaned.end_offset
        del self._failures[log]
        self.recorder(
            "log.cleaned",
            partition=log.topic_partition,
            first_dirty_offset=chosen.first_dirty_offset,
            end_offset=cleaned.end_offset,
            keys=cleaned.keys,
            size_before_bytes=size_bytes,
            size_after_bytes=log.local.segments.size_bytes,
            took_s=round(trio.current_time() - began_s, 3),
        )
        self._release(log)
        await self.checkpoint()
        return True

    def _release(self, log: PartitionLog) -> None:
        """It's nobody's again; and retention comes first, which would else wait for ever for a log
        that is cleaned all the time."""
        log.local.claim = None
        with suppress(KafkaError):  # its `storage` has taken note
            log.delete_old_segments()

    def _failed(self, round_: "_Round", times: int, why: str) -> None:
        """Count it as so many failures; one too many, and the log is left alone."""
        log = round_.log
        if round_.claim.is_given_up:
            return
        self._failures[log] += times
        _log.warning("%s: %s", log.topic_partition, why)
        if self._failures[log] >= _MOST_FAILURES:
            self.recorder("log.uncleanable", partition=log.topic_partition, why=why)

    async def _swap(self, log: PartitionLog, replacement: Replacement) -> None:
        await trio.lowlevel.checkpoint()  # ends here if the claim was given up
        log.local.replace(replacement.base_offsets, replacement.size_bytes)
        with log.local.storage:
            await in_thread(self.threads, self.disk.sync_directory, log.directory)

    async def _remove_unfinished(self, log: PartitionLog) -> None:
        """The loader and the next round do so, too: this is for the room that they take.

        A log that has gone may have left its directory's name to another one.
        """
        if not self._is_kept(log):
            return
        with suppress(OSError):
            await in_thread(self.threads, remove_unfinished, self.disk, log.directory)


@attrs.frozen(eq=False)
class _Round:
    chosen: LogToClean
    claim: CleaningClaim

    @property
    def log(self) -> PartitionLog:
        return self.chosen.log


def job_for(chosen: LogToClean, config: CleanerConfig, now_ms: int) -> Job:
    """Each thread has its part of what all have together."""
    log = chosen.log
    first, *_ = chosen.segments
    ends = [each.base_offset for each in chosen.segments[1:]]
    ends.append(chosen.first_uncleanable_offset)
    return Job(
        str(log.directory),
        tuple(
            SegmentToRead(
                segment.base_offset,
                end_offset,
                segment.size_bytes,
                segment.offset_index.size_bytes,
                segment.time_index.size_bytes,
            )
            for segment, end_offset in zip(chosen.segments, ends, strict=True)
        ),
        chosen.first_dirty_offset,
        chosen.first_uncleanable_offset,
        tuple(
            (
                entry.producer_id,
                entry.epoch,
                entry.batches[-1].last_offset if entry.batches else None,
            )
            for entry in log.producers.entries()
        ),
        tuple(
            attrs.astuple(aborted)
            for aborted in log.aborted_transactions(
                first.base_offset, chosen.first_uncleanable_offset
            )
        ),
        now_ms,
        log.config.delete_retention_ms,
        log.config.segment_bytes,
        log.config.segment_index_bytes,
        log.config.index_interval_bytes,
        config.map_bytes // config.threads,
        config.load_factor,
        config.buffer_bytes // config.threads // 2,  # one to read, one to write
        config.bytes_per_second / config.threads,
    )
