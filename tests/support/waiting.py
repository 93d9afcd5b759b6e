"""Waiting for what a server does in its own time, and tells nobody."""

import time
from collections.abc import Callable

TIMEOUT_S = 30.0
POLL_S = 0.1


def wait_until(what: str, happened: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Block until `happened()`; TimeoutError that names `what` if it doesn't in time."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(POLL_S)
