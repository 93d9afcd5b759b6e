"""Fixtures that every test may ask for. A server starts when the first test needs it."""

import signal

from tests.support.figures import figure, pytest_terminal_summary
from tests.support.zookeeper import zookeeper, zookeeper_server

__all__ = ["figure", "pytest_terminal_summary", "zookeeper", "zookeeper_server"]

# A shell starts a background job with SIGINT ignored, and so would be every program that a test
# starts and then presses Ctrl-C on: take the signal back, for us and for them.
signal.signal(signal.SIGINT, signal.default_int_handler)
