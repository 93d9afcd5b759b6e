"""The commands that only print: ours, Kafka's, and the facts in what each says."""

import json
import re
from collections.abc import Callable

import attrs

from tests.interop.test_kafka_tools import CLUSTER, CONFIGS, CONSUMER, GET_OFFSETS, GROUPS, TOPICS
from tests.interop.test_log_dirs import LOG_DIRS
from tests.interop.test_reassignment import REASSIGN
from tests.interop.test_transactions import TRANSACTIONS

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
        for view in ("--offsets", "--members", "--state")
    ),
    Row(
        "group describe {group} --members --verbose",
        GROUPS,
        "--describe --group {group} --members --verbose",
        words,
        without_topics,
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
