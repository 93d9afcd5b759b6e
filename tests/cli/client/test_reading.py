"""What a reader of committed records sees of transactions that ended one way or the other."""

from broker.wire.control_records import build_marker
from broker.wire.messages.fetch import AbortedTransaction
from broker.wire.record_batch import batches, build_batch, stamp
from broker.wire.records import Record
from cli.client.reading import visible


def batch(offset: int, value: str, producer_id: int = -1) -> bytes:
    return bytes(
        build_batch(
            [Record(value=value.encode(), timestamp_ms=1)],
            base_offset=offset,
            producer_id=producer_id,
            producer_epoch=0,
            base_sequence=0,
            is_transactional=producer_id >= 0,
        )
    )


def marker(offset: int, producer_id: int, *, commit: bool) -> bytes:
    written = build_marker(producer_id, 0, commit=commit, coordinator_epoch=0, timestamp_ms=1)
    stamp(memoryview(written), offset, 0)
    return bytes(written)


LOG = b"".join(
    [
        batch(0, "plain"),
        batch(1, "dropped", 7),
        batch(2, "kept", 8),
        marker(3, 7, commit=False),
        batch(4, "next of 7", 7),
        marker(5, 8, commit=True),
        marker(6, 7, commit=True),
    ]
)


def test_aborted_records_and_markers_are_left_out() -> None:
    aborted = [AbortedTransaction(producer_id=7, first_offset=1)]
    seen = [(each.offset, each.value) for each in visible(batches(LOG), aborted)]
    assert seen == [(0, b"plain"), (2, b"kept"), (4, b"next of 7")]


def test_a_reader_of_uncommitted_records_sees_all_but_markers() -> None:
    assert [each.offset for each in visible(batches(LOG), [])] == [0, 1, 2, 4]
