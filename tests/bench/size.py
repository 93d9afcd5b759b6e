"""How much each workload does: all, what fits into five minutes, or what shows that it runs."""

import attrs


@attrs.frozen
class Size:
    """The same for both contenders and all rounds; it is written beside the results."""

    records: int  # of 1,000 bytes: w1, w2, w5, w6, w8, w9
    small_records: int  # of 100 bytes: w3
    seconds: float  # of each workload that has a rate and not an amount: w4, w7, w10, beside
    idle_connections: int  # w7
    busy_connections: int
    topics: int  # w10, each of 100 partitions
    deaths: int  # of leaders: w11
    segments: int  # recovery
    compacted_records: int
    members: int  # groups


FULL = Size(
    records=500_000,
    small_records=500_000,
    seconds=30.0,
    idle_connections=200,
    busy_connections=50,
    topics=20,
    deaths=5,
    segments=1_000,
    compacted_records=10_000_000,
    members=100,
)
QUICK = Size(
    records=60_000,
    small_records=60_000,
    seconds=5.0,
    idle_connections=200,
    busy_connections=50,
    topics=4,
    deaths=1,
    segments=100,
    compacted_records=500_000,
    members=50,
)
TINY = Size(
    records=1_000,
    small_records=1_000,
    seconds=0.5,
    idle_connections=6,
    busy_connections=3,
    topics=1,
    deaths=1,
    segments=10,
    compacted_records=20_000,
    members=3,
)
