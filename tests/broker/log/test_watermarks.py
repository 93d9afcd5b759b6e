"""The offsets between start and end: who may read how far."""

import pytest

from broker.wire.errors import ErrorCode, KafkaError
from tests.broker.log.logs import (
    LogWorld,
    fill,
    make_batch,
)


def test_offsets_outside_are_out_of_range(world: LogWorld) -> None:
    log = world.open()
    log.truncate_fully_and_start_at(5)
    fill(log, 2)
    for offset in (4, 8):
        with pytest.raises(KafkaError) as caught:
            log.read(offset, 1000, log.log_end_offset)
        assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE
    assert log.read(7, 1000, 7).regions == ()


def test_the_high_watermark_stays_within_the_log(world: LogWorld) -> None:
    log = world.open()
    fill(log, 5)
    assert log.update_high_watermark(9) == 5
    assert log.increment_log_start_offset(3)
    assert log.update_high_watermark(1) == 3
    assert not log.increment_log_start_offset(2)
    with pytest.raises(KafkaError) as caught:
        log.increment_log_start_offset(4)
    assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE


def test_an_open_transaction_holds_the_last_stable_offset(world: LogWorld) -> None:
    log = world.open()
    fill(log, 2)
    log.append_as_leader(make_batch(producer=(1, 0, 0), transactional=True), 0)
    fill(log, 2)
    log.update_high_watermark(5)
    assert log.last_stable_offset == 2
