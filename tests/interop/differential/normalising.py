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
from broker.wire.messages.fetch import FetchableTopicResponse
from broker.wire.record_batch import batches
from broker.wire.records import Record
from tests.interop.differential.pair import CLIENT_ID
from tests.interop.differential.stored import (
    in_order_of_keys,
    in_words,
    is_of_old_format,
    old_messages,
)
from tests.interop.differential.symbols import Names, Symbol

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


def _without_sizes_of_others(names: Names, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for topic in value:
        symbol = names.symbol("topic", topic["name"])
        if not (isinstance(symbol, Symbol) and names.value(symbol) == topic["name"]):
            for partition in topic["partitions"]:
                partition["partition_size"] = "<some>"
    return value


def _in_some_directory(names: Names, value: list[dict[str, Any]]) -> list[Any]:
    """The directories without their partitions, and all the partitions by their names."""
    partitions: dict[str, list[Any]] = {}
    for directory in value:
        for topic in directory["topics"]:
            for partition in topic["partitions"]:
                name = f"{topic['name']}-{partition['partition_index']}"
                partitions.setdefault(name, []).append(partition)
    directories = [directory | {"topics": None} for directory in value]
    of_each = {name: sorted(partitions[name], key=str) for name in sorted(partitions)}
    return [sorted(directories, key=str), of_each]


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
                # in what coordinators store
                "commit_timestamp",
                "current_state_timestamp",
                "transaction_last_update_timestamp_ms",
                "transaction_start_timestamp_ms",
            }
        ),
        _now,
    ),
    Rule(
        "the order of stored offsets",
        "that a group has committed together is that of a hash map",
        frozenset({"each"}),
        lambda _, value: in_order_of_keys(value),
        frozenset({ApiKey.FETCH}),
    ),
    Rule(
        "the order of what is stored",
        "of members and of a transaction's partitions is that of Java's hash codes",
        frozenset({"members", "transaction_partitions", "partition_ids"}),
        _unordered,
        frozenset({ApiKey.FETCH}),
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
        "sizes of an earlier test's logs",
        "one side may have moved its copy, which then begins at the log start offset",
        frozenset({"topics"}),
        _without_sizes_of_others,
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
    topic: str = ""  # whose records are looked at, where it is named

    def of(self, name: str, value: Any) -> Any:
        if name == "records":
            return self._records(value)
        if isinstance(value, FetchableTopicResponse) and value.topic != self.topic:
            return attrs.evolve(self, topic=value.topic).of(name, value)
        if attrs.has(type(value)):
            value = self._fields(
                {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
            )
        elif isinstance(value, list):
            value = [self.of("", item) for item in value]
        return self._ruled(name, value)

    def _ruled(self, name: str, value: Any) -> Any:
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
        data = bytes(data)
        found: list[Any] = []
        try:
            if is_of_old_format(data):
                found += old_messages(data, self._stored)
                return self._ruled("each", found)
            for batch in batches(data):
                facts = attrs.asdict(batch, filter=lambda a, _: a.name not in BYTES_OF_A_BATCH)
                batch.check_crc()
                told = self._record if batch.is_control else self._stored
                records = self._ruled("each", [told(record) for record in batch.records()])
                found.append({**self._fields(facts), "each": records})
        except KafkaError as error:
            return f"{len(found)} batches, and {error}"
        return found

    def _record(self, record: Record) -> dict[str, Any]:
        return self._fields(attrs.asdict(record))

    def _stored(self, record: Record) -> dict[str, Any]:
        words = in_words(self.topic, record)
        return self._record(words) if isinstance(words, Record) else self.of("", words)


# The CRC is of bytes with other timestamps in them.
BYTES_OF_A_BATCH = {"view", "batch_length", "crc"}
