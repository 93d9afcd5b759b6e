"""What transactional ids look like in `__transaction_state`, byte for byte."""

import pytest

from broker.transactions.transaction import Transition
from broker.transactions.transaction_records import (
    read_key,
    read_transaction,
    transaction_record,
    transaction_tombstone,
)
from broker.transactions.transaction_states import EMPTY, ONGOING
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.transactions_topic import TransactionLogValue
from broker.wire.versioned import encode_versioned
from tests.broker.transactions.support import T0, T1, U0

ONE = Transition(
    ONGOING,
    producer_id=1000,
    producer_epoch=3,
    last_producer_epoch=2,
    timeout_ms=60_000,
    partitions=frozenset({U0, T1, T0}),
    start_ms=1_700_000_000_000,
    last_update_ms=1_700_000_000_001,
)


def test_the_bytes_of_an_open_transaction() -> None:
    record = transaction_record("x", ONE, 5)
    assert record.timestamp_ms == 5
    assert record.key == b"\0\0\0\1x"
    assert record.value is not None
    assert record.value.hex() == (
        # version, producer id, epoch, timeout, status
        "0000"
        "00000000000003e8"
        "0003"
        "0000ea60"
        "01"
        # two topics: t with 0 and 1, u with 0
        "00000002"
        "000174"
        "00000002"
        "00000000"
        "00000001"
        "000175"
        "00000001"
        "00000000"
        # last update, start
        "0000018bcfe56801"
        "0000018bcfe56800"
    )


def test_an_empty_one_has_null_for_its_partitions() -> None:
    transition = Transition(EMPTY, 7, 0, -1, 1000, frozenset(), -1, 9)
    value = transaction_record("x", transition, 9).value
    assert value is not None
    assert value[17:21] == b"\xff\xff\xff\xff"
    assert value[-8:] == b"\xff" * 8
    assert read_transaction("x", value).partitions == set()


def test_what_is_written_is_read() -> None:
    record = transaction_record("x", ONE, 5)
    assert record.key is not None
    assert record.value is not None
    assert read_key(record.key) == "x"
    found = read_transaction("x", record.value)
    again = found.transition(ONGOING, last_producer_epoch=ONE.last_producer_epoch)
    assert again == ONE
    # These two are not in the log.
    assert (found.last_producer_id, found.last_producer_epoch) == (-1, -1)


def test_a_tombstone() -> None:
    record = transaction_tombstone("x", 5)
    assert (record.key, record.value) == (b"\0\0\0\1x", None)


def test_the_flexible_version_is_read() -> None:
    value = TransactionLogValue(producer_id=1, producer_epoch=2, transaction_status=5)
    found = read_transaction("x", encode_versioned(value, 1))
    assert (found.producer_id, found.producer_epoch, found.state.value) == (1, 2, "CompleteAbort")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\0\2",
        b"\0\0\0",
        *(
            encode_versioned(TransactionLogValue(transaction_status=state), 0)
            for state in (6, 7, 8)  # Dead, PrepareEpochFence, and none
        ),
        encode_versioned(TransactionLogValue(transaction_status=2, producer_epoch=-1), 0),
    ],
)
def test_values_that_are_none(value: bytes) -> None:
    with pytest.raises(KafkaError) as refused:
        read_transaction("x", value)
    assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_keys_of_a_later_kafka_and_of_nobody() -> None:
    assert read_key(b"\0\1later") is None
    with pytest.raises(KafkaError):
        read_key(b"\0")
    with pytest.raises(KafkaError):
        read_key(b"\0\0\0\5x")
