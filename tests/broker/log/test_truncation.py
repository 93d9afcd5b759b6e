"""Cutting the end off: records, epochs and sequences go together."""

from tests.broker.log.logs import (
    LogWorld,
    fill,
    make_batch,
    values,
)


def test_truncation_forgets_records_epochs_and_sequences(small_segments: LogWorld) -> None:
    log = small_segments.open()
    for offset in range(20):
        log.append_as_leader(make_batch(str(offset), producer=(1, 0, offset)), offset // 5)
    log.update_high_watermark(20)
    assert log.truncate_to(8)
    assert (log.log_end_offset, log.high_watermark, log.latest_epoch) == (8, 8, 1)
    assert values(log) == [str(offset) for offset in range(8)]
    assert log.append_as_leader(make_batch(producer=(1, 0, 8)), 4).first_offset == 8
    assert not log.truncate_to(9)
    assert log.truncate_to(0)
    assert (log.log_end_offset, log.epochs.entries(), values(log)) == (0, [], [])


def test_truncation_inside_a_batch_drops_all_of_it(world: LogWorld) -> None:
    log = world.open()
    log.append_as_leader(make_batch("a"), 0)
    log.append_as_leader(make_batch("b", "c", "d"), 0)
    assert log.truncate_to(3)
    assert (log.log_end_offset, values(log)) == (1, ["a"])


def test_a_truncation_without_effect_still_forgets_an_empty_epoch(world: LogWorld) -> None:
    log = world.open()
    fill(log, 3, leader_epoch=1)
    log.assign_epoch_start_offset(2, 3)
    assert not log.truncate_to(3)
    assert log.latest_epoch == 1


def test_starting_over_elsewhere(small_segments: LogWorld) -> None:
    log = small_segments.open()
    fill(log, 20)
    log.truncate_fully_and_start_at(100)
    assert (log.log_start_offset, log.log_end_offset, log.high_watermark) == (100, 100, 100)
    fill(log, 3)
    assert values(log) == ["100", "101", "102"]
    log.close()
    again = small_segments.open(was_clean=True)
    assert values(again) == ["100", "101", "102"]
