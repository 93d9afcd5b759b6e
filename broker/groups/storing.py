"""Writing groups and offsets into the log, and what to tell the client when that fails.

    write = store.offsets(group_id, {...})     in the local log now, in the order of the calls
    error = await write.outcome()              replicated, or why not

The log speaks of replicas and leaders; a client of the coordinator knows nothing of those. It is
told what it can act on: look for the coordinator again, come back later, or start over.

Source: `storeGroup`, `generateOffsetRecords` and `maybeConvertOffsetCommitError` of Kafka's
GroupMetadataManager.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from broker.coordinators.log import CLIENT_ERRORS, Append, partition_for
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.group import Group
from broker.groups.offset_records import group_record, offset_record
from broker.groups.offsets_log import OffsetsLog, Verified
from broker.wire.codec import UnwritableMessage
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.records import Record
from coordination.values import TopicPartition

_COORDINATOR_ERRORS: Final = CLIENT_ERRORS | {
    # The transaction's coordinator could not be asked. Of what makes a client try again, this is
    # the one that does not send it looking for the group's coordinator first.
    ErrorCode.NETWORK_EXCEPTION: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
}
_TOO_LARGE: Final = (
    ErrorCode.MESSAGE_TOO_LARGE,
    ErrorCode.RECORD_LIST_TOO_LARGE,
    ErrorCode.INVALID_FETCH_SIZE,
)
OFFSET_ERRORS: Final = _COORDINATOR_ERRORS | dict.fromkeys(
    _TOO_LARGE, ErrorCode.INVALID_COMMIT_OFFSET_SIZE
)
GROUP_ERRORS: Final = (
    _COORDINATOR_ERRORS
    | dict.fromkeys(_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR)
    # The members join again and the leader hands in its assignment once more.
    | {ErrorCode.REQUEST_TIMED_OUT: ErrorCode.REBALANCE_IN_PROGRESS}
)


@attrs.frozen
class Write:
    """One batch on its way into the log; `append` is an error if it did not even begin."""

    append: Append | KafkaError
    _log: OffsetsLog
    _errors: Mapping[ErrorCode, ErrorCode]

    @property
    def has_begun(self) -> bool:
        """Whether the batch is in the local log."""
        return not isinstance(self.append, KafkaError)

    @property
    def base_offset(self) -> int:
        """Where the batch is; only if it has begun."""
        assert not isinstance(self.append, KafkaError)
        return self.append.base_offset

    async def outcome(self) -> ErrorCode:
        """Wait until it is replicated: NONE, or what a client of the coordinator is told."""
        try:
            if isinstance(self.append, KafkaError):
                raise self.append
            await self._log.until_committed(self.append)
        except KafkaError as error:
            return self._errors.get(error.code, error.code)
        return ErrorCode.NONE


@attrs.frozen
class GroupStore:
    """Writes to the groups' partitions of `__consumer_offsets`."""

    log: OffsetsLog
    clock_ms: Callable[[], int]

    def group(self, group: Group, assignment: Mapping[str, bytes]) -> Write:
        """Store the group's generation, its members and their assignment."""
        return self._write(
            group.group_id,
            lambda: [group_record(group, assignment, self.clock_ms())],
            GROUP_ERRORS,
        )

    def offsets(
        self,
        group_id: str,
        offsets: Mapping[TopicPartition, CommittedOffset],
        verified: Verified | None = None,
    ) -> Write:
        """Store what a group committed: all in one batch, of a transaction if `verified`."""
        now_ms = self.clock_ms()

        def records() -> list[Record]:
            return [
                offset_record(group_id, partition, committed, now_ms)
                for partition, committed in offsets.items()
            ]

        return self._write(group_id, records, OFFSET_ERRORS, verified)

    def tombstones(self, group_id: str, records: Sequence[Record]) -> Write:
        """Remove what is no more."""
        return self._write(group_id, lambda: records, OFFSET_ERRORS)

    def _write(
        self,
        group_id: str,
        records: Callable[[], Sequence[Record]],
        errors: Mapping[ErrorCode, ErrorCode],
        verified: Verified | None = None,
    ) -> Write:
        append: Append | KafkaError
        try:
            partition = partition_for(group_id, self.log.partition_count)
            if verified is None:
                append = self.log.append(partition, records())
            else:
                append = self.log.append_in_transaction(partition, records(), verified)
        except KafkaError as error:
            append = error
        except UnwritableMessage as error:  # a client said what has no room in a record
            append = KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, str(error))
        return Write(append, self.log, errors)
