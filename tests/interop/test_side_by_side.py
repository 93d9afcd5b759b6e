"""zbroker-admin beside Kafka's own scripts: the same question to the same cluster, equal facts.

Each row is a command of both. What only prints is asked here, of one prepared cluster; what changes
something has a story of its own in another test, where each tool sees what the other has changed
(`ELSEWHERE`); what Kafka has no script for is named with the reason (`ONLY_OURS`). Together they
are the whole tree of commands: a new one that is in none of them fails.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import attrs
import pytest
from confluent_kafka import Consumer, Producer

from tests.cli.commands.test_every_command import COMMANDS
from tests.interop.test_admin import admin
from tests.interop.test_kafka_tools import (
    CLUSTER,
    CONFIGS,
    CONSUMER,
    GET_OFFSETS,
    GROUPS,
    TOPICS,
)
from tests.interop.test_log_dirs import LOG_DIRS
from tests.interop.test_reassignment import REASSIGN
from tests.interop.test_transactions import TIMEOUT_S, TRANSACTIONS, producer_of
from tests.support.cluster import Kind, TestCluster
from tests.support.kafka import kafka_tool
from tests.support.topics import wait_until_known

pytestmark = pytest.mark.server

FEATURES = "org.apache.kafka.tools.FeatureCommand"

Facts = Callable[[str], object]


# -- facts in a text ------------------------------------------------------------------


def lines(text: str) -> list[str]:
    return sorted(line.strip() for line in text.splitlines() if line.strip())


def words(text: str) -> list[list[str]]:
    """Columns that may be of other widths."""
    return sorted(line.split() for line in text.splitlines() if line.strip())


def words_with(pattern: str) -> Facts:
    """Only those lines: what else there is changes all the time, or is a heading of the tool."""
    return lambda text: [row for row in words(text) if re.search(pattern, " ".join(row))]


def described(text: str) -> list[str]:
    """Kafka tells a topic's settings in the order of a Java hash map."""
    return lines(re.sub(r"(?<=Configs: )\S+", lambda c: ",".join(sorted(c[0].split(","))), text))


def without_topics(text: str) -> list[list[str]]:
    """Kafka's tool tells which partitions a member has, and not of which topic."""
    return words(re.sub(r"\S+(?=\(\d)", "", text))


def log_dirs_of_kafka(text: str) -> object:
    described = json.loads(next(line for line in text.splitlines() if line.startswith("{")))
    return sorted(
        (
            broker["broker"],
            log_dir["logDir"],
            each["partition"],
            each["size"],
            each["offsetLag"],
            each["isFuture"],
        )
        for broker in described["brokers"]
        for log_dir in broker["logDirs"]
        for each in log_dir["partitions"]
    )


def log_dirs_of_ours(text: str) -> object:
    return sorted(
        (
            each["broker"],
            each["log_dir"],
            f"{replica['topic']}-{replica['partition']}",
            replica["size_bytes"],
            replica["offset_lag"],
            replica["future"],
        )
        for each in json.loads(text)["log_dirs"]
        for replica in each["replicas"]
    )


# -- the rows -------------------------------------------------------------------------


@attrs.frozen
class Row:
    """`ours` and `theirs` are arguments, with the names of `Prepared` in braces."""

    ours: str
    tool: str
    theirs: str
    facts: Facts = lines
    facts_of_ours: Facts | None = None


SMOKE = [
    Row("topic list", TOPICS, "--list"),
    Row("topic describe", TOPICS, "--describe", described),
    Row("group describe {group}", GROUPS, "--describe --group {group}", words),
    Row("config describe --topic {topic} --all", CONFIGS, "--describe --topic {topic} --all"),
]
ROWS = [
    Row("topic list --exclude-internal", TOPICS, "--list --exclude-internal"),
    Row("topic describe {topic}", TOPICS, "--describe --topic {topic}", described),
    *(
        Row(f"topic describe {flag}", TOPICS, f"--describe {flag}", described)
        for flag in (
            "--under-replicated-partitions",
            "--unavailable-partitions",
            "--under-min-isr-partitions",
            "--at-min-isr-partitions",
            "--topics-with-overrides",
            "--exclude-internal",
        )
    ),
    *(
        Row(f"topic offsets {{topic}} --time {at}", GET_OFFSETS, f"--topic {{topic}} --time {at}")
        for at in ("-1", "-2", "-3", "1005")
    ),
    *(
        Row(f"config describe {entity}", CONFIGS, f"--describe {entity}")
        for entity in (
            "--topic {topic}",
            "--broker 1",
            "--broker 1 --all",
            "--broker-defaults",
            "--broker-logger 1",
            "--user {user}",
            "--client {user}",
            "--entity-type topics",
            "--entity-type users",
        )
    ),
    Row("quota describe --user {user}", CONFIGS, "--describe --user {user}"),
    Row("group list", GROUPS, "--list"),
    Row("group list --state", GROUPS, "--list --state", words),
    Row("group list --type", GROUPS, "--list --type", words),
    *(
        Row(
            f"group describe {{group}} {view}",
            GROUPS,
            f"--describe --group {{group}} {view}",
            words,
        )
        for view in ("--offsets", "--members", "--members --verbose", "--state")
    ),
    Row("group describe {idle}", GROUPS, "--describe --group {idle}", words),
    Row("partition reassign list", REASSIGN, "--list"),
    Row(
        "log dirs describe --topic-list {topic} -o json",
        LOG_DIRS,
        "--describe --topic-list {topic}",
        log_dirs_of_kafka,
        log_dirs_of_ours,
    ),
    Row("txn list", TRANSACTIONS, "list", words_with("^side-by-side-")),
    Row(
        "txn producers {other}:0",
        TRANSACTIONS,
        "describe-producers --topic {other} --partition 0",
        words_with(r"^\d"),
    ),
    Row("txn find-hanging --broker-id 1", TRANSACTIONS, "find-hanging --broker-id 1", words),
    Row("cluster id", CLUSTER, "cluster-id", lines),
    Row("cluster features", FEATURES, "describe", lines),
    Row(
        "records consume {topic}",
        CONSUMER,
        "--topic {topic} --from-beginning --max-messages 20 --timeout-ms 20000",
        lines,
    ),
]

# The story that holds the command beside Kafka's script: both change, and both see it.
ELSEWHERE = {
    "topic create": "test_admin::test_topics",
    "topic delete": "test_admin::test_topics",
    "topic alter": "test_admin_topics::test_more_partitions_and_how_far_they_reach",
    "config alter": "test_admin_topics::test_settings_of_all_others",
    "quota alter": "test_admin_quotas::test_what_is_set_is_shown",
    "group reset-offsets": "test_admin_groups::test_a_plan_is_that_of_kafkas_tool",
    "group delete": "test_admin_groups::test_forgetting_offsets_and_the_group",
    "group delete-offsets": "test_admin_groups::test_forgetting_offsets_and_the_group",
    "partition elect": "test_admin_partitions::test_a_leader_that_was_away_is_brought_back",
    "partition reassign generate": (
        "test_admin_reassign::test_a_proposal_is_a_plan_that_kafkas_tool_takes"
    ),
    "partition reassign execute": "test_admin_reassign::test_there_and_back",
    "partition reassign verify": "test_admin_reassign::test_there_and_back",
    "partition reassign cancel": "test_admin_reassign::test_there_and_back",
    "txn describe": "test_admin_transactions::test_a_transaction_from_all_sides",
    "txn abort": "test_admin_transactions::test_a_transaction_from_all_sides",
    "records delete": "test_admin_logs::test_records_are_deleted",
    "records produce": "test_admin_logs::test_lines_become_records_and_lines_again",
    "log dump": "test_admin_files::test_what_a_broker_leaves",
    "cluster api-versions": "test_admin_cluster::test_what_differs_from_kafka",
}
_ENSEMBLE = "an ensemble on this machine is ours to start"
_ZOOKEEPER = (
    "Kafka's zookeeper-shell prints znodes as they are, and nothing of who owns or watches them"
)
_OF_ZBROKER = "what only zbroker's brokers tell"
_SEVERAL_REQUESTS = "no script puts these answers together"
_OF_THE_COMMAND = "the command's own"
ONLY_OURS = {
    **dict.fromkeys(("up", "down", "status"), _ENSEMBLE),
    **dict.fromkeys(
        (
            "zk get",
            "zk ls",
            "zk sessions",
            "zk shell",
            "zk stat",
            "zk tree",
            "zk watch",
            "zk watches",
        ),
        _ZOOKEEPER,
    ),
    **dict.fromkeys(("broker sessions", "controller show", "group legacy"), _ZOOKEEPER),
    "controller move": "Kafka's users delete /controller by hand",
    **dict.fromkeys(
        (
            "controller history",
            "controller queue",
            "controller state-machines",
            "trace events",
            "trace requests",
        ),
        _OF_ZBROKER,
    ),
    **dict.fromkeys(
        (
            "broker describe",
            "broker drain",
            "cluster brokers",
            "cluster describe",
            "doctor",
            "log verify",
            "partition epochs",
            "partition replicas",
        ),
        _SEVERAL_REQUESTS,
    ),
    "group remove-members": "only the Streams' reset tool has it, for its own groups",
    "log dirs move": "Kafka moves by a reassignment's plan",
    "txn force-terminate": "kafka-transactions has it from 4.0 on",
    **dict.fromkeys(
        ("completion", "context list", "context show", "context use", "version"), _OF_THE_COMMAND
    ),
}


def command_of(row: Row) -> str:
    """The words of `ours` that are a command's."""
    given = row.ours.split()
    return next(
        name
        for length in range(len(given), 0, -1)
        for name in [" ".join(given[:length])]
        if name in COMMANDS
    )


def test_every_command_is_beside_kafkas_or_has_a_reason() -> None:
    asked = {command_of(row) for row in SMOKE + ROWS}
    assert asked | ELSEWHERE.keys() | ONLY_OURS.keys() == COMMANDS.keys()
    assert not asked & ONLY_OURS.keys()
    assert not ELSEWHERE.keys() & ONLY_OURS.keys()
    for place in ELSEWHERE.values():
        module, _, function = place.partition("::")
        assert f"def {function}(" in Path(__file__).with_name(f"{module}.py").read_text()


# -- asking ---------------------------------------------------------------------------


@attrs.frozen
class Prepared:
    """Names of this module's own: the cluster is shared."""

    topic: str  # two partitions of ten records each, one a second since 1970
    other: str  # a partition with a record in an open transaction
    group: str  # has a member, which has read some of it
    idle: str  # a group that has offsets alone
    producer: str  # a transactional id, with an open transaction
    user: str  # has quotas, and is a client's id, too


_numbers = count(1)


@pytest.fixture(scope="module")
def prepared(cluster: TestCluster) -> Iterator[Prepared]:
    name = f"side-by-side-{next(_numbers)}"
    names = Prepared(
        name, f"{name}-other", f"{name}-group", f"{name}-idle", f"{name}-producer", f"{name}-user"
    )
    keep = ("--config", "retention.ms=-1", "--config", "min.insync.replicas=1")
    admin(cluster, "topic", "create", name, "--replica-assignment", "1:2,2:1", *keep)
    wait_until_known(cluster.bootstrap, name, partitions=2)
    plain = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(20):
        plain.produce(name, f"value {number}", partition=number % 2, timestamp=1000 * number)
    plain.flush()
    for entity in ("--user", "--client"):
        admin(
            cluster, "quota", "alter", entity, names.user, "--add-config", "request_percentage=50"
        )
    with reading(cluster, names.idle, name):
        pass
    admin(cluster, "topic", "create", names.other, "-p", "1", "-r", "1")
    wait_until_known(cluster.bootstrap, names.other)
    transactional = producer_of(cluster, names.producer)
    transactional.init_transactions(TIMEOUT_S)
    transactional.begin_transaction()
    transactional.produce(names.other, "open")
    transactional.flush(TIMEOUT_S)
    with reading(cluster, names.group, name):
        yield names
    transactional.abort_transaction(TIMEOUT_S)


@contextmanager
def reading(cluster: TestCluster, group: str, topic: str) -> Iterator[None]:
    """A member of the group during the block, which has read something, and said so."""
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    assert consumer.poll(30) is not None
    consumer.commit(asynchronous=False)
    try:
        yield
    finally:
        consumer.close()


@pytest.mark.parametrize(
    "row",
    [*SMOKE, *(pytest.param(row, marks=pytest.mark.matrix) for row in ROWS)],
    ids=lambda row: row.ours.replace(" ", "_"),
)
def test_equal_facts(cluster: TestCluster, kind: Kind, prepared: Prepared, row: Row) -> None:
    """A moment later, if not now: each tool may ask a broker that has yet to hear of something."""
    if kind == "kafka" and "--broker-logger" in row.ours:
        pytest.skip("this Kafka logs without log4j, and so can't tell its levels")
    names = attrs.asdict(prepared)
    facts_of_ours = row.facts_of_ours or row.facts
    theirs = row.theirs.format(**names).split()
    at = 1 if row.tool == CLUSTER else 0  # which wants its subcommand first
    arguments = [*theirs[:at], "--bootstrap-server", cluster.bootstrap, *theirs[at:]]
    ours = row.ours.format(**names).split()

    def both() -> tuple[object, object]:
        asked = kafka_tool(row.tool, *arguments)
        return facts_of_ours(admin(cluster, *ours)), row.facts(asked.stdout)

    in_ours, in_theirs = both()
    if in_ours != in_theirs:
        in_ours, in_theirs = both()
    assert in_ours == in_theirs
