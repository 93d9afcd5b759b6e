"""Whether the file system under a log still works; once it has failed, it has failed for good.

After an error nobody knows what a file holds: a sync that failed may have lost the pages that it
was for. So the log is not used any more until the next start recovers it. (Kafka takes the whole
log directory offline.)

Source: Kafka's `LocalLog.maybeHandleIOException`, `LogDirFailureChannel`.
"""

from pathlib import Path

import attrs

from broker.wire.errors import ErrorCode, KafkaError


@attrs.define
class Storage:
    """`with storage:` makes an OSError KAFKA_STORAGE_ERROR, for this use and all later ones."""

    directory: Path
    failure: OSError | None = attrs.field(default=None, init=False)

    def __enter__(self) -> None:
        if self.failure is not None:
            raise self._error()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError):
            self.failure = error
            raise self._error() from error

    def _error(self) -> KafkaError:
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{self.directory}: {self.failure}")
