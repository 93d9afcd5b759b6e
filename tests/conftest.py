"""Fixtures that every test may ask for. A server starts when the first test needs it."""

import gc
import signal
from collections.abc import Iterator

import pytest
import trio

from tests.support.figures import figure, pytest_terminal_summary
from tests.support.zookeeper import zookeeper, zookeeper_server

__all__ = ["figure", "pytest_terminal_summary", "zookeeper", "zookeeper_server"]

# A shell starts a background job with SIGINT ignored, and so would be every program that a test
# starts and then presses Ctrl-C on: take the signal back, for us and for them.
signal.signal(signal.SIGINT, signal.default_int_handler)


_RUN_IN_THREAD = trio.to_thread.run_sync


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Nobody's stand-in for threads stays for the next test: two that replace what the other one
    has put there must go in the right order."""
    result = yield
    left, trio.to_thread.run_sync = trio.to_thread.run_sync, _RUN_IN_THREAD
    assert left is _RUN_IN_THREAD, f"{left} was left in the place of trio.to_thread.run_sync"
    return result


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported stays: no collector need look at it, now or between two tests."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result
