"""What was asked for that changes a cluster, and what of it was answered: for whoever interrupts.

A command that is cut short, by Ctrl-C or its deadline, can't take back what a broker has done, and
a request that has no answer yet may be carried out all the same. So each change is written down as
it goes out, and again when its answer is there:

    nothing was changed
    answered: DeleteRecords of orders at b1:9092; without an answer, maybe done: DeleteRecords of ..
"""

import contextlib
from collections.abc import Iterator
from typing import Final

import attrs

from broker.wire.apis import Api, ApiKey
from cli.client.addresses import Address

CHANGING: Final = frozenset(
    {
        ApiKey.PRODUCE,
        ApiKey.OFFSET_COMMIT,
        ApiKey.LEAVE_GROUP,
        ApiKey.CREATE_TOPICS,
        ApiKey.DELETE_TOPICS,
        ApiKey.DELETE_RECORDS,
        ApiKey.INIT_PRODUCER_ID,
        ApiKey.END_TXN,
        ApiKey.WRITE_TXN_MARKERS,
        ApiKey.ALTER_CONFIGS,
        ApiKey.ALTER_REPLICA_LOG_DIRS,
        ApiKey.CREATE_PARTITIONS,
        ApiKey.DELETE_GROUPS,
        ApiKey.ELECT_LEADERS,
        ApiKey.INCREMENTAL_ALTER_CONFIGS,
        ApiKey.ALTER_PARTITION_REASSIGNMENTS,
        ApiKey.OFFSET_DELETE,
        ApiKey.ALTER_CLIENT_QUOTAS,
        ApiKey.ALTER_USER_SCRAM_CREDENTIALS,
        ApiKey.UPDATE_FEATURES,
        ApiKey.CONTROLLED_SHUTDOWN,
    }
)
# A line is read, not searched.
MOST_NAMES: Final = 5


@attrs.define(eq=False)
class Changes:
    """Of one command. `str()` gives the end of the line that an interrupted one says."""

    _done: list[str] = attrs.field(factory=list, init=False)
    _open: list[str] = attrs.field(factory=list, init=False)

    @contextlib.contextmanager
    def asking(self, api: Api, request: object, address: Address) -> Iterator[None]:
        """Around a request and its answer; what ends without one stays open."""
        if api.key not in CHANGING:
            yield
            return
        what = api.name + _names_in(request)
        told = f"{what} sent to {address}"
        self._open.append(told)
        yield
        self._open.remove(told)
        self._done.append(f"{what} at {address}")

    def note(self, what: str) -> None:
        """Something that was done without a request to a broker."""
        self._done.append(what)

    @property
    def any_done(self) -> bool:
        return bool(self._done)

    @property
    def is_empty(self) -> bool:
        return not self._done and not self._open

    def __str__(self) -> str:
        if self.is_empty:
            return "nothing was changed"
        parts = []
        if self._done:
            parts.append(f"answered: {_joined(self._done)}")
        if self._open:
            parts.append(f"without an answer, maybe done: {_joined(self._open)}")
        return "; ".join(parts)


def _names_in(request: object) -> str:
    """Whom it is about, where a request says so: groups, a transactional id, topics."""
    owners = (getattr(request, each, None) for each in ("group_id", "transactional_id"))
    groups = getattr(request, "groups_names", ())
    topics = [getattr(each, "name", None) for each in getattr(request, "topics", None) or []]
    names = [str(name) for name in (*owners, *groups, *topics) if name]
    return f" of {_joined(names)}" if names else ""


def _joined(words: list[str]) -> str:
    more = len(words) - MOST_NAMES
    return ", ".join(words[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
