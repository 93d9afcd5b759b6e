"""How a command ends that did not do what it should: one line on stderr, and an exit code."""

from enum import IntEnum

import click


class Exit(IntEnum):
    """Exit codes. 0 is success; click itself ends with 2 for a wrong usage."""

    ERROR = 1
    USAGE = 2
    PARTIAL = 3
    NOT_MET = 4
    TIMEOUT = 5
    INTERRUPTED = 130  # as a shell says of what SIGINT has ended


class Failure(click.ClickException):
    """Ends the command with one line on stderr and an exit code."""

    def __init__(self, message: str, code: Exit = Exit.ERROR) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it from the instance
