from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.bench.suites.limit import next_offset


def batch(base_offset: int, count: int) -> bytes:
    records = [Record(value=b"v", timestamp_ms=0) for _ in range(count)]
    return bytes(build_batch(records, base_offset=base_offset))


def test_the_next_fetch_begins_after_the_last_whole_batch() -> None:
    whole = batch(10, 3) + batch(13, 5)
    assert next_offset(memoryview(whole), 10) == 18
    assert next_offset(memoryview(whole + batch(18, 2)[:-1]), 10) == 18
    assert next_offset(memoryview(whole + batch(18, 2)[:20]), 10) == 18
    assert next_offset(memoryview(b""), 10) == 10
