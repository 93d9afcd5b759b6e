"""Fixtures that every test may ask for. A server starts when the first test needs it."""

from tests.support.figures import figure, pytest_terminal_summary
from tests.support.zookeeper import zookeeper, zookeeper_server

__all__ = ["figure", "pytest_terminal_summary", "zookeeper", "zookeeper_server"]
