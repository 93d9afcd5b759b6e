"""Each row asked, of one prepared cluster; and no command is in none of the tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import attrs
import pytest
from confluent_kafka import Consumer, Producer

from tests.cli.commands.test_every_command import COMMANDS
from tests.interop.side_by_side.elsewhere import ELSEWHERE, ONLY_OURS
from tests.interop.side_by_side.rows import ROWS, SMOKE, Row
from tests.interop.test_admin import admin
from tests.interop.test_kafka_tools import CLUSTER
from tests.interop.test_transactions import TIMEOUT_S, producer_of
from tests.support.cluster import Kind, TestCluster
from tests.support.kafka import kafka_tool
from tests.support.topics import wait_until_known

pytestmark = pytest.mark.server


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
        assert f"def {function}(" in Path(__file__).parents[1].joinpath(f"{module}.py").read_text()


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
