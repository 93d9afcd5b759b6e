"""Whether the file system under a log directory still works; once it has failed, it has for good.

After an error nobody knows what a file holds: a sync that failed may have lost the pages that it
was for. So nothing in that directory is used any more until the next start recovers it.

    append, read, roll, ..   with storage: ──OSError──►  failure ──► KAFKA_STORAGE_ERROR,
    a sync in a thread       with storage: await ..         │        here and in every log beside it
    a checkpoint             with storage: await ..         ▼
                                                          failed: `broker.directory_failures` takes
                                                          the directory's partitions offline

All logs of a directory share its `Storage`, so they end at the same instant, before anybody had
time to act. It belongs to the event loop: what runs in a thread raises its OSError, and the loop,
which waits for the thread, notes it.

Source: Kafka's `LogDirFailureChannel`, `LocalLog.maybeHandleIOException` (KIP-112).
"""

import logging
from pathlib import Path

import attrs
import trio

from broker.wire.errors import ErrorCode, KafkaError

_log = logging.getLogger(__name__)


@attrs.define(eq=False)
class Storage:
    """`with storage:` makes an OSError KAFKA_STORAGE_ERROR, for this use and all later ones.

    directory: the entry of log.dirs. failure: why it is offline, None while it works.
    failed: set when that changes.
    """

    directory: Path
    failure: Exception | None = None
    failed: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __enter__(self) -> None:
        self.check()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError):
            self.fail(error)
            raise self._error() from error

    def check(self) -> None:
        """Raises `KafkaError` KAFKA_STORAGE_ERROR if it has failed."""
        if self.failure is not None:
            raise self._error()

    def fail(self, error: Exception) -> None:
        """Note that it doesn't work any more; the first reason stands."""
        if self.failure is None:
            self.failure = error
            self.failed.set()
            _log.error("log directory %s is offline: %s", self.directory, error)

    def _error(self) -> KafkaError:
        return KafkaError(
            ErrorCode.KAFKA_STORAGE_ERROR,
            f"{self.directory} is offline: {self.failure}",
        )
