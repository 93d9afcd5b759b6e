"""A log of one's own for each test."""

from pathlib import Path

import pytest

from broker.log.log_config import LogConfig
from tests.broker.log.logs import LogWorld


@pytest.fixture
def world(tmp_path: Path) -> LogWorld:
    return LogWorld(tmp_path / "topic-0")


@pytest.fixture
def small_segments(tmp_path: Path) -> LogWorld:
    """Segments of 400 bytes (some five batches), an index entry after 100."""
    return LogWorld(tmp_path / "topic-0", LogConfig(segment_bytes=400, index_interval_bytes=100))
