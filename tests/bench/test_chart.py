"""The chart is drawn; how it looks is for eyes."""

from pathlib import Path

import pytest

from tests.bench.report import Row

# matplotlib is installed for the bench and for all tests, not for the usual ones.
pytestmark = pytest.mark.matrix


def test_a_chart_is_a_png_of_the_judged_rows(tmp_path: Path) -> None:
    from tests.bench import chart

    found = [
        Row("w1", "throughput", "MB/s", True, (150.0,), (100.0,)),
        Row("w1", "broker CPU", "s", False, (2.0,), (10.0,)),
        Row("w3", "throughput", "MB/s", True, (0.0,), (10.0,)),
        Row("w4", "acknowledged p99", "ms", False, (30.0,), (10.0,)),
        Row("limit", "of sendfile", "", True, (0.7,), (0.3,)),
        Row("w2", "memory", "MB a broker", False, (1.0,), (10.0,)),
    ]
    picture = tmp_path / "chart.png"
    chart.draw(picture, found, "zbroker beside Kafka")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
