"""Was each input transformed once? What is committed, compared with what went in."""

import time
from collections import Counter
from collections.abc import Sequence

from tests.interop.faults.load import Load
from tests.interop.transactions.committed import (
    CommittedReader,
    Record,
    committed_records,
    nothing_is_open,
)
from tests.interop.transactions.instances import Instances
from tests.support.cluster import TestCluster
from tests.support.waiting import wait_until

PROGRESS_TIMEOUT_S = 120.0
DRAIN_TIMEOUT_S = 90.0


def wait_for_progress(reader: CommittedReader, *all_instances: Instances, count: int = 300) -> None:
    """Block until `count` more records than now are committed in the output."""
    reader.read_to_the_end()
    wanted = len(reader.records) + count
    deadline = time.monotonic() + PROGRESS_TIMEOUT_S
    while len(reader.records) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(reader.records)} of {wanted} records in time")
        for instances in all_instances:
            instances.tend()
        reader.read()


def settle_loops(
    cluster: TestCluster, load: Load, reader: CommittedReader, instances: Instances
) -> None:
    """End the load, wait until all of it is through, end the loops; then judge."""
    load.stop()
    going_in = committed_records(cluster.bootstrap, load.topic)
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while len(reader.records) < len(going_in):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(reader.records)} of {len(going_in)} records came through")
        instances.tend()
        reader.read()
    instances.stop()
    wait_until(
        "all transactions to end", nothing_is_open(cluster.bootstrap, reader.topic), DRAIN_TIMEOUT_S
    )
    assert_each_once(going_in, committed_records(cluster.bootstrap, reader.topic))


def assert_each_once(going_in: Sequence[Record], come_out: Sequence[Record]) -> None:
    """The same records, each once, and those of one key in the order in which they came."""
    assert going_in
    before, after = (Counter((r.key, r.value) for r in each) for each in (going_in, come_out))
    lost, surplus = before - after, after - before
    # First: who counts what comes out stops too early, and finds some lost, if some came twice.
    assert not surplus, f"{surplus.total()} too many of {before.total()}: {list(surplus)[:5]}"
    assert not lost, f"{lost.total()} of {before.total()} are lost: {list(lost)[:5]}"
    for key in {record.key for record in going_in}:
        there, here = (
            [record.value for record in each if record.key == key] for each in (going_in, come_out)
        )
        assert there == here, f"key {key} in another order"


def settle_word_count(
    cluster: TestCluster, load: Load, lines: str, counts: str, instances: Instances
) -> None:
    """End the load, wait until every word is counted, and compare."""
    load.stop()
    expected = Counter(record.value for record in committed_records(cluster.bootstrap, lines))
    assert expected
    reader = CommittedReader(cluster.bootstrap, counts)
    try:
        deadline = time.monotonic() + DRAIN_TIMEOUT_S
        while (counted := last_counts(reader.records)) != expected:
            if time.monotonic() > deadline:
                wrong = {w: (n, counted[w]) for w, n in expected.items() if counted[w] != n}
                extra = set(counted) - set(expected)
                raise AssertionError(f"{len(wrong)} words wrong {list(wrong.items())[:5]}, {extra}")
            instances.tend()
            reader.read()
        instances.stop()
        wait_until(
            "all transactions to end", nothing_is_open(cluster.bootstrap, counts), DRAIN_TIMEOUT_S
        )
        reader.read_to_the_end()
        assert last_counts(reader.records) == expected
        assert_counted_upwards(reader.records)
    finally:
        reader.close()


def last_counts(records: Sequence[Record]) -> Counter[str]:
    return Counter({record.key: int(record.value) for record in records})


def assert_counted_upwards(records: Sequence[Record]) -> None:
    """A count told twice, or one that falls, was not committed with what it was counted from."""
    last: dict[str, int] = {}
    for record in records:
        count = int(record.value)
        assert count > last.get(record.key, 0), f"{record} after {last[record.key]}"
        last[record.key] = count
