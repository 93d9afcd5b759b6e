"""Fixtures that every test may ask for. A server starts when the first test needs it."""

import gc
import signal
from collections.abc import Iterator

import pytest

from tests.support.figures import figure, pytest_terminal_summary
from tests.support.zookeeper import zookeeper, zookeeper_server

__all__ = ["figure", "pytest_terminal_summary", "zookeeper", "zookeeper_server"]

# A shell starts a background job with SIGINT ignored, and so would be every program that a test
# starts and then presses Ctrl-C on: take the signal back, for us and for them.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported stays: no collector need look at it, now or between two tests."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result
