"""Which brokers get the replicas of a new partition: Kafka's AdminUtils, as pure functions.

Three goals, in this order: spread the first replicas (the preferred leaders) evenly, spread the
followers of one broker's partitions over all the others, and, when every broker says which rack
it stands in, put the replicas of a partition into different racks.

Without racks, five brokers and ten partitions of three replicas, starting at index 0, shift 0:

    broker       0     1     2     3     4
    1st replica  p0    p1    p2    p3    p4      round robin
                 p5    p6    p7    p8    p9
    2nd replica  p4    p0    p1    p2    p3      one further on
                 p8    p9    p5    p6    p7      two further on: the shift grows with each lap
    3rd replica  p3    p4    p0    p1    p2
                 p7    p8    p9    p5    p6

With racks the broker list is first woven (one broker of each rack in turn) and a candidate is
skipped while its rack already has a replica and another rack has none.

The start index and the shift are Kafka's two random numbers. They are arguments here, so that a
test (or `create_partitions`, which continues an existing topic) can say what they are.

Source: org.apache.kafka.admin.AdminUtils, KIP-36.
"""

from collections.abc import Sequence

import attrs

__all__ = ["AdminError", "BrokerRack", "assign_replicas", "rack_alternated"]


class AdminError(Exception):
    """What an admin asks for cannot be done.

    `error` is Kafka's name of the error (an ErrorCode's), the text is for the user.
    """

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


@attrs.frozen
class BrokerRack:
    """A broker that may get replicas, and its rack (None: it has not said)."""

    broker_id: int
    rack: str | None = None


def assign_replicas(
    brokers: Sequence[BrokerRack],
    partition_count: int,
    replication_factor: int,
    *,
    start_index: int,
    shift: int,
    first_partition: int = 0,
) -> dict[int, tuple[int, ...]]:
    """The replicas of partitions `first_partition` and on, preferred leader first.

    `brokers` is in the order of the round robin (Kafka sorts by id). `start_index` and `shift`
    are taken modulo the number of brokers.
    """
    if partition_count <= 0:
        raise AdminError("INVALID_PARTITIONS", "Number of partitions must be larger than 0.")
    if replication_factor <= 0:
        raise AdminError("INVALID_REPLICATION_FACTOR", "Replication factor must be larger than 0.")
    if replication_factor > len(brokers):
        raise AdminError(
            "INVALID_REPLICATION_FACTOR",
            f"Replication factor: {replication_factor} larger than available brokers: "
            f"{len(brokers)}.",
        )
    rack_of = {broker.broker_id: broker.rack for broker in brokers if broker.rack is not None}
    if rack_of and len(rack_of) < len(brokers):
        raise AdminError(
            "UNKNOWN_SERVER_ERROR",
            "Not all brokers have rack information for replica rack aware assignment.",
        )
    ring = rack_alternated(rack_of) if rack_of else [broker.broker_id for broker in brokers]

    assignment: dict[int, tuple[int, ...]] = {}
    for partition in range(first_partition, first_partition + partition_count):
        # Each full lap of first replicas shifts the followers by one more, or the same brokers
        # would always share the same partitions.
        if partition > 0 and partition % len(ring) == 0:
            shift += 1
        first = (partition + start_index) % len(ring)
        if rack_of:
            assignment[partition] = _across_racks(ring, rack_of, first, replication_factor, shift)
        else:
            followers = (_follower(ring, first, shift, j) for j in range(replication_factor - 1))
            assignment[partition] = (ring[first], *followers)
    return assignment


def rack_alternated(rack_of: dict[int, str]) -> list[int]:
    """One broker of each rack in turn: racks a: 0 1, b: 2 3 give 0 2 1 3."""
    waiting = {
        rack: sorted(broker for broker, r in rack_of.items() if r == rack)
        for rack in sorted(set(rack_of.values()))
    }
    ring: list[int] = []
    while len(ring) < len(rack_of):
        ring += [brokers.pop(0) for brokers in waiting.values() if brokers]
    return ring


def _across_racks(
    ring: list[int], rack_of: dict[int, str], first: int, replication_factor: int, shift: int
) -> tuple[int, ...]:
    """Walk the ring from `first`; no rack twice while another has none, no broker twice."""
    all_racks = set(rack_of.values())
    replicas = [ring[first]]
    racks = {rack_of[ring[first]]}
    step = 0
    while len(replicas) < replication_factor:
        broker = _follower(ring, first, shift * len(all_racks), step)
        step += 1
        if broker not in replicas and (rack_of[broker] not in racks or racks == all_racks):
            replicas.append(broker)
            racks.add(rack_of[broker])
    return tuple(replicas)


def _follower(ring: list[int], first: int, shift: int, step: int) -> int:
    """The broker at `step` steps after the shift, never the first one itself."""
    return ring[(first + 1 + (shift + step) % (len(ring) - 1)) % len(ring)]
