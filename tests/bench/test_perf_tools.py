"""What Kafka's tools print, as 3.9.1 prints it."""

import pytest

from tests.bench.perf_tools import Produced, parse_consumed, parse_produced

PRODUCER = """\
299521 records sent, 59904.2 records/sec (57.13 MB/sec), 451.7 ms avg latency, 901.0 ms max latency.
500000 records sent, 72011.2 records/sec (68.68 MB/sec), 402.57 ms avg latency, 901.00 ms max \
latency, 395 ms 50th, 755 ms 95th, 861 ms 99th, 893 ms 99.9th.
"""
CONSUMER = """\
start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, \
rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec
2025-03-02 10:00:00:000, 2025-03-02 10:00:04:000, 476.8372, 119.2093, 500000, 125000.0000, \
412, 3588, 132.8978, 139353.4002
"""


def test_a_producer_s_summary_is_its_last_line() -> None:
    assert parse_produced(PRODUCER) == Produced(records_s=72011.2, mb_s=68.68, p99_ms=861.0)


def test_a_producer_without_a_summary_is_refused_with_its_words() -> None:
    with pytest.raises(ValueError, match="TimeoutException"):
        parse_produced("org.apache.kafka.common.errors.TimeoutException: no metadata")


def test_a_producer_that_did_not_come_to_its_end_has_no_summary() -> None:
    with pytest.raises(ValueError, match="no summary"):
        parse_produced(PRODUCER.partition("\n")[0])


def test_a_consumer_is_measured_without_the_forming_of_its_group() -> None:
    assert parse_consumed(CONSUMER, at_least=500_000) == 132.8978


def test_a_consumer_that_got_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="500000 records came, not 500001"):
        parse_consumed(CONSUMER, at_least=500_001)


def test_a_consumer_s_complaint_is_no_summary() -> None:
    with pytest.raises(ValueError, match="Exiting before consuming"):
        parse_consumed("WARNING: Exiting before consuming the expected number", at_least=1)
