"""A plan of a reassignment, in Kafka's JSON.

    {"version": 1, "partitions": [
        {"topic": "orders", "partition": 0, "replicas": [3, 2], "log_dirs": ["any", "/data2"]}]}

The first replica is the preferred leader. `log_dirs` may be left out; "any" leaves the choice to
the broker.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click

from coordination.values import TopicPartition

ANY = "any"

Command = TypeVar("Command", bound=Callable[..., Any])


@attrs.frozen
class Plan:
    """Replicas by partition; log directories by (partition, broker), where one is named."""

    replicas: Mapping[TopicPartition, tuple[int, ...]]
    log_dirs: Mapping[tuple[TopicPartition, int], str] = attrs.field(factory=dict)

    @property
    def topics(self) -> list[str]:
        return sorted({partition.topic for partition in self.replicas})

    @property
    def brokers(self) -> set[int]:
        return {broker_id for replicas in self.replicas.values() for broker_id in replicas}


class BadPlan(ValueError):
    """What is wrong with a plan, in one line."""


def plan_document(replicas: Mapping[TopicPartition, tuple[int, ...]]) -> dict[str, object]:
    """The JSON object of a plan that leaves directories to the brokers."""
    return {
        "version": 1,
        "partitions": [
            {
                "topic": each.topic,
                "partition": each.partition,
                "replicas": list(replicas[each]),
                "log_dirs": [ANY] * len(replicas[each]),
            }
            for each in by_name(replicas)
        ],
    }


def plan_json(replicas: Mapping[TopicPartition, tuple[int, ...]]) -> str:
    """A plan in one line, as Kafka's tool writes it."""
    return json.dumps(plan_document(replicas), separators=(",", ":"))


def way_back(before: Mapping[TopicPartition, tuple[int, ...]]) -> list[str]:
    """What Kafka's tool says of the replicas that there were, for who wants them back."""
    return [
        "Current partition replica assignment",
        "",
        plan_json(before),
        "",
        "Save this to use as the --reassignment-json-file option during rollback",
    ]


def by_name(partitions: Mapping[TopicPartition, object]) -> list[TopicPartition]:
    return sorted(partitions, key=lambda each: (each.topic, each.partition))


def plan_option(command: Command) -> Command:
    """Add `--reassignment-json-file`; the command gets the `plan` in it."""
    return click.option(
        "--reassignment-json-file",
        "plan",
        required=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        callback=_read,
        help="The plan: which replicas each partition is to have.",
    )(command)


def _read(_context: click.Context, _parameter: click.Parameter, file: Path) -> Plan:
    try:
        return parse_plan(file.read_text())
    except (OSError, UnicodeDecodeError, BadPlan) as error:
        raise click.BadParameter(
            f"{file}: {error}", param_hint="--reassignment-json-file"
        ) from None


def parse_plan(text: str) -> Plan:
    """Raises `BadPlan` with one line."""
    replicas: dict[TopicPartition, tuple[int, ...]] = {}
    log_dirs: dict[tuple[TopicPartition, int], str] = {}
    for entry in _entries(text):
        try:
            partition = TopicPartition(str(entry["topic"]), int(entry["partition"]))
            brokers = tuple(int(each) for each in entry["replicas"])
            paths = [str(each) for each in entry.get("log_dirs", [ANY] * len(brokers))]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadPlan(
                f'{json.dumps(entry)} is not {{"topic": .., "partition": .., "replicas": [..]}}'
            ) from None
        if partition in replicas:
            raise BadPlan(f"{partition} is named twice")
        if not brokers:
            raise BadPlan(f"{partition} has no replicas")
        if len(set(brokers)) < len(brokers):
            raise BadPlan(f"{partition} names a broker twice")
        if len(paths) != len(brokers):
            raise BadPlan(f"{partition} has {len(brokers)} replicas and {len(paths)} log_dirs")
        replicas[partition] = brokers
        log_dirs.update(
            {
                (partition, broker_id): path
                for broker_id, path in zip(brokers, paths, strict=True)
                if path != ANY
            }
        )
    if not replicas:
        raise BadPlan("no partitions in it")
    return Plan(replicas, log_dirs)


def _entries(text: str) -> list[Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadPlan(str(error)) from None
    if not isinstance(document, dict) or not isinstance(document.get("partitions"), list):
        raise BadPlan('it is not {"version": 1, "partitions": [..]}')
    if document.get("version", 1) != 1:
        raise BadPlan(f"version {document['version']!r} is not 1")
    entries: list[Any] = document["partitions"]
    return entries
