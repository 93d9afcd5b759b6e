"""What became of one part of a change.

A request that changes several things (topics, groups, partitions) is answered with an error code
for each; nothing is rolled back when one of them fails.
"""

from typing import Generic, TypeVar

import attrs

from broker.wire.errors import ErrorCode
from cli.client.errors import RequestFailed

T = TypeVar("T")
Subject = TypeVar("Subject", covariant=True)  # it is only read

# Answers for one part that mean: this broker is not the one to ask, nothing was done.
NOT_ME = frozenset(
    {
        ErrorCode.NOT_CONTROLLER,
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    }
)


@attrs.frozen
class Outcome(Generic[Subject]):
    """`subject` was changed (code NONE), or why not."""

    subject: Subject
    code: ErrorCode = ErrorCode.NONE
    message: str | None = None

    @property
    def done(self) -> bool:
        return self.code is ErrorCode.NONE

    @property
    def reason(self) -> str:
        return self.code.name + (f": {self.message}" if self.message else "")


def outcome_of(subject: T, what: str, code: int, message: str | None = None) -> Outcome[T]:
    """The outcome that a broker answered; raises `RequestFailed` if it is another's to say.

    `what` names the subject in that error.
    """
    if code in NOT_ME:
        raise RequestFailed(what, ErrorCode.of(code), message)
    return Outcome(subject, ErrorCode.of(code), message)
