import pytest

from tests.bench.figures import latencies, percentile


def test_a_percentile_is_one_of_the_values() -> None:
    values = list(range(1, 1001))
    assert [percentile(values, percent) for percent in (50, 99, 99.9, 100)] == [500, 990, 999, 1000]


def test_one_slow_record_in_a_thousand_is_above_p99_and_p999() -> None:
    assert percentile([1.0] * 999 + [50.0], 99) == 1.0
    assert percentile([1.0] * 999 + [50.0], 99.9) == 1.0
    assert percentile([1.0] * 998 + [50.0] * 2, 99.9) == 50.0


def test_order_does_not_matter() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 99)


def test_latencies_have_three_names() -> None:
    assert [figure.name for figure in latencies("w4", "acknowledged", [1.0])] == [
        "w4: acknowledged p50",
        "w4: acknowledged p99",
        "w4: acknowledged p99.9",
    ]
