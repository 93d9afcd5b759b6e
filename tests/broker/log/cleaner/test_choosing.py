"""Which log is due, up to where it may be cleaned, and which comes first."""

from pathlib import Path

import attrs
import pytest

from broker.log.cleaner.choosing import filthiest, look_at
from broker.log.log_config import LogConfig
from tests.broker.log.cleaner.logs import COMPACTED, CompactedLog
from tests.broker.log.logs import START_MS

NOW_MS = START_MS


def log_of_three_segments(directory: Path, config: LogConfig = COMPACTED) -> CompactedLog:
    """Of one batch each, and an active one; a minute lies between them."""
    directory.mkdir(exist_ok=True)
    compacted = CompactedLog.at(directory, config)
    for minute in range(3):
        compacted.world.clock.now_ms = START_MS + minute * 60_000
        compacted.put("a=1")
        compacted.roll()
    compacted.put("a=1")
    return compacted


def test_all_but_the_active_segment_is_dirty_at_first(tmp_path: Path) -> None:
    log = log_of_three_segments(tmp_path).log
    found = look_at(log, NOW_MS)
    assert (found.first_dirty_offset, found.first_uncleanable_offset) == (0, 3)
    assert [segment.base_offset for segment in found.segments] == [0, 1, 2]
    assert (found.ratio, found.is_due) == (1.0, True)


def test_the_ratio_is_what_is_dirty_of_all_that_may_be_cleaned(tmp_path: Path) -> None:
    log = log_of_three_segments(tmp_path).log
    log.local.cleaned_to = 2
    assert round(look_at(log, NOW_MS).ratio, 3) == 0.333
    assert not look_at(log, NOW_MS).is_due
    log.update_config(attrs.evolve(COMPACTED, min_cleanable_dirty_ratio=0.3))
    assert look_at(log, NOW_MS).is_due
    log.local.cleaned_to = 3
    assert (look_at(log, NOW_MS).ratio, look_at(log, NOW_MS).is_due) == (0.0, False)


def test_nothing_is_cleaned_beyond_the_last_stable_offset(tmp_path: Path) -> None:
    compacted = CompactedLog.at(tmp_path)
    compacted.put("a=1")
    compacted.roll()
    compacted.put("a=1")
    compacted.put("a=1", producer=(7, 0, 0), transactional=True)
    compacted.roll()
    # It lies within the second segment, which is cleaned whole or not at all.
    assert look_at(compacted.log, NOW_MS).first_uncleanable_offset == 1
    compacted.end_transaction(7, commit=True)
    assert look_at(compacted.log, NOW_MS).first_uncleanable_offset == 3


@pytest.mark.parametrize(("lag_minutes", "offset"), [(0, 3), (1, 2), (2, 1), (10, 0)])
def test_what_is_younger_than_the_lag_waits(tmp_path: Path, lag_minutes: int, offset: int) -> None:
    config = attrs.evolve(COMPACTED, min_compaction_lag_ms=lag_minutes * 60_000)
    log = log_of_three_segments(tmp_path, config).log
    assert look_at(log, START_MS + 120_000).first_uncleanable_offset == offset


def test_what_waited_too_long_is_due_whatever_the_ratio(tmp_path: Path) -> None:
    config = attrs.evolve(
        COMPACTED, max_compaction_lag_ms=1000, min_cleanable_dirty_ratio=1, segment_ms=10**9
    )
    log = log_of_three_segments(tmp_path, config).log
    log.local.cleaned_to = 2
    third_ms = START_MS + 120_000
    assert not look_at(log, third_ms + 1000).is_due
    assert look_at(log, third_ms + 1001).is_due


@pytest.mark.parametrize("cleaned_to", [None, 100])
def test_a_log_that_was_cut_or_never_cleaned_begins_at_its_start(
    tmp_path: Path, cleaned_to: int | None
) -> None:
    log = log_of_three_segments(tmp_path).log
    log.increment_log_start_offset(1)
    log.local.cleaned_to = cleaned_to
    assert look_at(log, NOW_MS).first_dirty_offset == 1
    log.local.cleaned_to = 0  # retention has passed it
    assert look_at(log, NOW_MS).first_dirty_offset == 1


def test_a_truncation_makes_dirty_what_comes_after_it(tmp_path: Path) -> None:
    log = log_of_three_segments(tmp_path).log
    log.local.cleaned_to = 3
    log.truncate_to(2)
    assert log.local.cleaned_to == 2
    log.truncate_fully_and_start_at(1)
    assert log.local.cleaned_to == 1


def test_the_filthiest_comes_first(tmp_path: Path) -> None:
    first = log_of_three_segments(tmp_path / "a").log
    second = log_of_three_segments(tmp_path / "b").log
    first.local.cleaned_to = 1
    found = filthiest([first, second], NOW_MS)
    assert found is not None
    assert found.log is second
    assert filthiest([], NOW_MS) is None


def test_a_segment_is_closed_in_time_for_its_records_to_be_compacted(tmp_path: Path) -> None:
    config = attrs.evolve(COMPACTED, max_compaction_lag_ms=1000, segment_ms=10**9)
    compacted = CompactedLog.at(tmp_path, config)
    compacted.put("a=1")
    compacted.world.clock.now_ms += 1001
    compacted.put("a=2")
    assert len(compacted.log.local.segments) == 2
