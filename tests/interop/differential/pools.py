"""What a field of a request may be: small pools, so that a request often means something.

A pool has what is there (a topic of `world`, the last member of a group) more often than what can't
be: an unknown name, a bad one, a number at its border. A field goes by its name, which means the
same in most messages; where it doesn't, by struct and name.

Waiting is bounded: no pool lets a request wait for longer than a part of a second.
"""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from broker.wire.messages.consumer_protocol import ConsumerProtocolSubscription
from broker.wire.schema import ZERO_UUID
from broker.wire.versioned import encode_versioned
from tests.interop.differential.produced import batches
from tests.interop.differential.symbols import Symbol

Pool = st.SearchStrategy[Any]

INT_MAX, INT_MIN = 2**31 - 1, -(2**31)
LONG_MAX, LONG_MIN = 2**63 - 1, -(2**63)
SHORT_MAX, SHORT_MIN = 2**15 - 1, -(2**15)

# Long enough for a member to hand in its part, short enough to be waited for by another one.
REBALANCE_MS = 1500


def pool(often: list[Any], seldom: list[Any]) -> Pool:
    """Fifteen times of sixteen one of `often`: one fault hides others of the same request."""
    return st.integers(0, 15).flatmap(lambda n: st.sampled_from(seldom if n == 7 else often))


def symbols(kind: str, *names: str) -> list[Any]:
    return [Symbol(kind, name) for name in names]


TOPIC_NAMES = ("plain", "compacted", "small", "stamped", "gzip")
BAD_NAMES = ["", ".", "..", "a/b", "tö☃", "x" * 250, "missing"]
GROUPS = ("living", "stored", "this")
TRANSACTIONS = ("ongoing", "ended", "this")

_topic = pool(
    symbols("topic", "plain", "plain", *TOPIC_NAMES),
    [*BAD_NAMES, "__consumer_offsets", "__transaction_state"],
)
_topic_id = pool(symbols("topic id", *TOPIC_NAMES), [ZERO_UUID, UUID(int=77)])
_partition = pool([0, 0, 0, 1, 2], [3, 99, -1, INT_MAX, INT_MIN])
_offset = pool([0, 0, 1, 2, 3, 5], [4, 10, 100, -1, -2, LONG_MAX, LONG_MIN])
_leader_epoch = pool([-1, -1, 0], [1, 5, -2, INT_MAX, INT_MIN])
_replica = pool([-1], [-2, 0, 1, 2, -3, INT_MAX, INT_MIN])
_timeout_ms = pool([100], [0, -1, INT_MIN])
_bytes = pool([100_000], [0, 1, 100, 300, -1, INT_MAX, INT_MIN])

_group = pool(symbols("group", *GROUPS), ["", "missing", "tö☃"])
_member = pool(symbols("member", "living", "this"), ["", "nobody"])
_generation = pool(symbols("generation", "living", "this"), [-1, 0, 1, 7, -2, INT_MAX])
_instance = pool([None], ["static", "other", ""])
_protocol_type = pool(["consumer"], ["", "connect"])
_protocol = pool(["range"], ["roundrobin", ""])
_metadata = pool(
    [
        encode_versioned(ConsumerProtocolSubscription(topics=topics), 1)
        for topics in (["plain"], [], ["missing", "compacted"])
    ],
    [b"", b"\0", b"junk", b"\xff\xff" + bytes(10), bytes(1000)],
)

_transactional_id = pool(symbols("transactional id", *TRANSACTIONS), ["", "missing"])
_producer = pool(symbols("producer", *TRANSACTIONS), [-1, 0, 77_777, -2, LONG_MAX])
_producer_epoch = pool(symbols("epoch", *TRANSACTIONS), [0, 1, -1, SHORT_MAX, SHORT_MIN])

BY_FIELD: dict[str, Pool] = {
    # topics and partitions
    "name": _topic,
    "topic": _topic,
    "topic_id": _topic_id,
    "partition": _partition,
    "partition_index": _partition,
    "partition_indexes": _partition,
    "partitions": _partition,
    "index": _partition,
    "offset": _offset,
    "current_leader_epoch": _leader_epoch,
    "leader_epoch": _leader_epoch,
    "replica_id": _replica,
    "isolation_level": pool([0, 1], [2, -1, 127]),
    "timeout_ms": _timeout_ms,
    # Produce, Fetch, ListOffsets
    "acks": pool([-1, 1], [0, 2, -2, SHORT_MAX]),
    "records": batches(),
    "cluster_id": pool([None], ["", "another"]),
    "replica_epoch": pool([-1], [0, 1, LONG_MAX]),
    "max_wait_ms": pool([0, 20], [-1, INT_MIN]),
    "min_bytes": pool([0, 1], [1000, -1, INT_MAX]),
    "max_bytes": _bytes,
    "partition_max_bytes": _bytes,
    "session_id": pool([0, Symbol("session", "this")], [1, -1, INT_MAX]),
    "session_epoch": pool([-1, 0, 1, 2], [3, -2, INT_MAX, INT_MIN]),
    "fetch_offset": _offset,
    "last_fetched_epoch": _leader_epoch,
    "log_start_offset": pool([-1, 0], [1, 5, -2]),
    "replica_directory_id": st.just(ZERO_UUID),
    "rack_id": pool([""], ["a rack"]),
    "timestamp": pool(
        [-1, -2, -3, -4, 1_700_000_000_000],
        [-5, -6, -7, 0, 1, 1_700_000_000_001, 1_700_000_000_003, LONG_MAX, LONG_MIN],
    ),
    "max_num_offsets": pool([1, 5], [0, -1, INT_MAX]),
    # groups
    "group_id": _group,
    "groups": _group,
    "groups_names": _group,
    "member_id": _member,
    "member_epoch": pool([-1], [0, 1, -2]),
    "generation_id": _generation,
    "generation_id_or_member_epoch": _generation,
    "group_instance_id": _instance,
    "session_timeout_ms": pool([1_800_000], [5_999, 1_800_001, 0, -1, INT_MAX]),
    "rebalance_timeout_ms": pool([REBALANCE_MS], [0, -1, INT_MIN]),
    "protocol_type": _protocol_type,
    "protocol_name": _protocol,
    "metadata": _metadata,
    "assignment": pool([b"assigned"], [b"", bytes(500)]),
    "reason": pool(["because"], ["", "x" * 300]),
    "states_filter": pool(
        ["Stable", "Empty", "PreparingRebalance", "CompletingRebalance", "Dead"],
        ["stable", "", "Assigning", "no state"],
    ),
    "types_filter": pool(["classic", "consumer"], ["Classic", "", "no type"]),
    "retention_time_ms": pool([-1], [0, 100_000, -2, LONG_MAX]),
    "committed_offset": _offset,
    "committed_leader_epoch": _leader_epoch,
    "commit_timestamp": pool([-1], [0, 1_700_000_000_000, -2]),
    "committed_metadata": pool(["", "some"], ["x" * 4096, "x" * 4097, "ö" * 4096]),
    # coordinators and transactions
    "key": pool([*symbols("group", *GROUPS), *symbols("transactional id", "this")], ["", "tö☃"]),
    "key_type": pool([0, 1], [2, 3, -1, 127]),
    "transactional_id": _transactional_id,
    "transactional_ids": _transactional_id,
    "transaction_timeout_ms": pool([60_000], [0, -1, 1, 900_001, INT_MAX]),
    "producer_id": _producer,
    "producer_epoch": _producer_epoch,
    "producer_id_filters": _producer,
    "state_filters": pool(
        ["Ongoing", "Empty", "CompleteCommit", "CompleteAbort", "PrepareCommit"],
        ["ongoing", "", "PrepareEpochFence", "Dead", "no state"],
    ),
    "duration_filter": pool([-1, 0], [1_000_000, -2, LONG_MAX, LONG_MIN]),
    "coordinator_epoch": pool([0, 1], [-1, INT_MAX, INT_MIN]),
    # the rest
    "path": pool(symbols("directory", "first", "second"), ["/nowhere", "relative", ""]),
    "client_software_name": pool(["a-client"], ["", "-", "a b", "tö☃", "."]),
    "client_software_version": pool(["1.2.3"], ["", "-", "1 2", "tö☃", "."]),
    "endpoint_type": pool([1], [0, 2, 3]),
}
BY_FIELD["coordinator_keys"] = BY_FIELD["key"]
# The forms of AddPartitionsToTxn before its version 4 have other names for the same.
BY_FIELD |= {
    f"v3_and_below_{name}": BY_FIELD[name]
    for name in ("transactional_id", "producer_id", "producer_epoch")
}

BY_STRUCT: dict[tuple[str, str], Pool] = {
    ("JoinGroupRequestProtocol", "name"): _protocol,
}


def pool_of(struct: str, field: str) -> Pool | None:
    """The pool of a struct's field; None for a truth value, or what has fields of its own."""
    return BY_STRUCT.get((struct, field), BY_FIELD.get(field))
