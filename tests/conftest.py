"""Fixtures that every test may ask for. A server starts when the first test needs it."""

from tests.support.zookeeper import zookeeper, zookeeper_server

__all__ = ["zookeeper", "zookeeper_server"]
