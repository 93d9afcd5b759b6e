"""What may differ between two brokers that answer alike, and what is compared in its place.

An answer becomes a tree of dicts, lists and plain values; on the way each `RULE` is applied to the
fields that it is for. Beside these, nothing may differ but what `differences` says.
"""

import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import attrs

from broker.wire.apis import ApiKey
from broker.wire.errors import KafkaError
from broker.wire.record_batch import batches
from tests.interop.differential.pair import CLIENT_ID
from tests.interop.differential.symbols import Names

RECENTLY_MS = 600_000


@attrs.frozen
class Rule:
    """`apply` gives what a field is compared by; `fields` are the names of those that it is for.

    In answers of those APIs alone, if any are named.
    """

    name: str
    reason: str
    fields: frozenset[str]
    apply: Callable[[Names, Any], Any]
    apis: frozenset[ApiKey] | None = None

    def is_for(self, key: ApiKey, field: str) -> bool:
        return field in self.fields and (self.apis is None or key in self.apis)


def _of_kind(kind: str) -> Callable[[Names, Any], Any]:
    return lambda names, value: str(names.symbol(kind, value))


def _member(names: Names, value: str) -> str:
    """A member that nobody has learnt of is known by the form of its id alone."""
    symbol = names.symbol("member", value)
    if symbol is value and value.startswith(f"{CLIENT_ID}-") and len(value) > 36:
        return "<a new member>"
    return str(symbol)


def _now(names: Names, value: int) -> Any:
    return "<now>" if abs(value - time.time() * 1000) < RECENTLY_MS else value


def _sign(names: Names, value: int) -> str:
    return "<some>" if value > 0 else str(value)


def _some(names: Names, value: Any) -> str:
    return "<one>" if value else str(value)


def _unordered(names: Names, value: list[Any]) -> list[Any]:
    return sorted(value, key=str)


def _by_api(names: Names, value: list[dict[str, Any]]) -> dict[str, Any]:
    return {ApiKey(row["api_key"]).name: row for row in value}


def _without_own_sizes(names: Names, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for topic in value:
        if topic["name"].startswith("gzip"):
            for partition in topic["partitions"]:
                partition["partition_size"] = _sign(names, partition["partition_size"])
    return value


def _in_some_directory(names: Names, value: list[dict[str, Any]]) -> list[Any]:
    """The directories without their partitions, and all the partitions."""
    partitions = [
        {"topic": topic["name"], **partition}
        for directory in value
        for topic in directory["topics"]
        for partition in topic["partitions"]
    ]
    directories = [directory | {"topics": None} for directory in value]
    return [sorted(directories, key=str), sorted(partitions, key=str)]


# Whose answers Kafka takes out of hash maps. In those of others the order must be the same.
OF_HASH_MAPS: Final = frozenset(
    {
        ApiKey.PRODUCE,
        ApiKey.METADATA,
        ApiKey.OFFSET_COMMIT,
        ApiKey.OFFSET_FETCH,
        ApiKey.JOIN_GROUP,
        ApiKey.DESCRIBE_GROUPS,
        ApiKey.LIST_GROUPS,
        ApiKey.DELETE_RECORDS,
        ApiKey.OFFSET_FOR_LEADER_EPOCH,
        ApiKey.ADD_PARTITIONS_TO_TXN,
        ApiKey.WRITE_TXN_MARKERS,
        ApiKey.TXN_OFFSET_COMMIT,
        ApiKey.ALTER_REPLICA_LOG_DIRS,
        ApiKey.DELETE_GROUPS,
        ApiKey.OFFSET_DELETE,
        ApiKey.DESCRIBE_PRODUCERS,
        ApiKey.DESCRIBE_TRANSACTIONS,
        ApiKey.LIST_TRANSACTIONS,
    }
)

RULES: Final = [
    Rule(
        "a topic's id",
        "is made by chance when the topic is",
        frozenset({"topic_id"}),
        _of_kind("topic id"),
    ),
    Rule(
        "a member's id",
        "ends in a UUID",
        frozenset({"member_id", "leader"}),
        _member,
    ),
    Rule(
        "a producer's id",
        "comes from blocks of ids that a broker takes, and may have taken for another test",
        frozenset({"producer_id"}),
        _of_kind("producer"),
    ),
    Rule("the port", "is a broker's own", frozenset({"port"}), _of_kind("port")),
    Rule("the cluster's id", "is made by chance", frozenset({"cluster_id"}), _some),
    Rule("a fetch session's id", "is made by chance", frozenset({"session_id"}), _some),
    Rule(
        "a log directory", "is in a home of its own", frozenset({"log_dir"}), _of_kind("directory")
    ),
    Rule(
        "the clock",
        "goes on between the two questions",
        frozenset(
            {
                "log_append_time_ms",
                "transaction_start_time_ms",
                "last_timestamp",
                "base_timestamp_ms",
                "max_timestamp_ms",
                "timestamp",
                "timestamp_ms",
            }
        ),
        _now,
    ),
    Rule(
        "room on the disk",
        "others write on it, too",
        frozenset({"total_bytes", "usable_bytes"}),
        _sign,
    ),
    Rule(
        "the order of the APIs",
        "is that of a table of the broker's",
        frozenset({"api_keys"}),
        _by_api,
    ),
    Rule(
        "sizes of what brokers compress",
        "two libraries make other bytes of the same records",
        frozenset({"topics"}),
        _without_own_sizes,
        frozenset({ApiKey.DESCRIBE_LOG_DIRS}),
    ),
    Rule(
        "where a partition lies",
        "is for the broker to choose: where there are fewest, and by chance if there are as many",
        frozenset({"results"}),
        _in_some_directory,
        frozenset({ApiKey.DESCRIBE_LOG_DIRS}),
    ),
    Rule(
        "the order of a set",
        "is that of Java's hash codes where Kafka answers from a hash map",
        frozenset(
            {
                "topics",
                "topic_data",
                "responses",
                "partitions",
                "partition_responses",
                "groups",
                "members",
                "results",
                "markers",
                "transaction_states",
                "results_by_transaction",
                "topic_results",
                "results_by_topic_v3_and_below",
                "results_by_partition",
                "unknown_state_filters",
                "active_producers",
            }
        ),
        _unordered,
        OF_HASH_MAPS,
    ),
]


def normal(key: ApiKey, names: Names, answer: Any, without: Rule | None = None) -> Any:
    """The tree that is compared; `without` one of the rules, to see whether it is needed."""
    return _Tree(names, tuple(rule for rule in RULES if rule is not without), key).of("", answer)


@attrs.frozen
class _Tree:
    names: Names
    rules: tuple[Rule, ...]
    key: ApiKey

    def of(self, name: str, value: Any) -> Any:
        if name == "records":
            return self._records(value)
        if attrs.has(type(value)):
            value = self._fields(
                {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
            )
        elif isinstance(value, list):
            value = [self.of("", item) for item in value]
        if value is not None:
            for rule in self.rules:
                if rule.is_for(self.key, name):
                    value = rule.apply(self.names, value)
        return str(value) if isinstance(value, UUID) else value

    def _fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {name: self.of(name, value) for name, value in fields.items()}

    def _records(self, data: Any) -> Any:
        """What the batches say; two libraries compress the same records to other bytes."""
        if data is None:
            return None
        found = []
        try:
            for batch in batches(bytes(data)):
                facts = attrs.asdict(batch, filter=lambda a, _: a.name not in BYTES_OF_A_BATCH)
                batch.check_crc()
                records = [self._fields(attrs.asdict(record)) for record in batch.records()]
                found.append({**self._fields(facts), "each": records})
        except KafkaError as error:
            return f"{len(found)} batches, and {error}"
        return found


# The CRC is of bytes with other timestamps in them.
BYTES_OF_A_BATCH = {"view", "batch_length", "crc"}
