"""Incremental cooperative rebalancing (KIP-429): nobody gives up a partition that it keeps.

    one member         has all six partitions
    another comes      the first gives up three, and the other gets these; the three that the first
                       keeps were never taken from it, though there were two rebalances
    the other leaves   the first gets its three back, and keeps the others again

Three clients that speak the protocol on their own: librdkafka, Java, kafka-python. Which partitions
go is the assignors' decision; the coordinator's part is to have the members agree twice, and to
pass on unharmed what each says that it owns.
"""

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import attrs
import confluent_kafka
import pytest
from confluent_kafka.admin import NewTopic

from tests.support.cluster import TestCluster
from tests.support.kafka import tool_command
from tests.support.polling import polled
from tests.support.processes import RunningProgram, running_program
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

with warnings.catch_warnings():
    # It reads its schemas at import by a function that Python 3.11 calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

pytestmark = pytest.mark.server

PARTITIONS = 6
TIMEOUT_S = 60.0
VERIFIABLE_CONSUMER = "org.apache.kafka.tools.VerifiableConsumer"
JAVA_ASSIGNOR = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"


@attrs.define(eq=False)
class Member:
    """What a member was told: what it has, and all that was ever taken from it."""

    owned: set[int] = attrs.field(factory=set)
    given_up: set[int] = attrs.field(factory=set)

    def assigned(self, partitions: set[int]) -> None:
        self.owned |= partitions

    def revoked(self, partitions: set[int]) -> None:
        self.owned -= partitions
        self.given_up |= partitions


Running = Callable[[TestCluster, str], AbstractContextManager[Member]]


@contextmanager
def librdkafka(cluster: TestCluster, topic: str) -> Iterator[Member]:
    member = Member()

    def numbers(partitions: list[confluent_kafka.TopicPartition]) -> set[int]:
        return {each.partition for each in partitions}

    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": topic,
            "partition.assignment.strategy": "cooperative-sticky",
            "heartbeat.interval.ms": 200,
        }
    )
    consumer.subscribe(
        [topic],
        on_assign=lambda _, partitions: member.assigned(numbers(partitions)),
        on_revoke=lambda _, partitions: member.revoked(numbers(partitions)),
        on_lost=lambda _, partitions: member.revoked(numbers(partitions)),
    )
    with polled(partial(consumer.poll, 0.05)):
        yield member
    consumer.close()


@contextmanager
def kafka_python(cluster: TestCluster, topic: str) -> Iterator[Member]:
    member = Member()

    class Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]
        def on_partitions_assigned(self, assigned: set[Any]) -> None:
            member.assigned({each.partition for each in assigned})

        def on_partitions_revoked(self, revoked: set[Any]) -> None:
            member.revoked({each.partition for each in revoked})

    consumer = kafka.KafkaConsumer(
        bootstrap_servers=cluster.bootstrap,
        group_id=topic,
        partition_assignment_strategy=[CooperativeStickyAssignor],
        heartbeat_interval_ms=200,
        # It may join before its own metadata have the topic, is then given nothing, and looks again
        # (and joins again) only when they are too old: after five minutes, unless told.
        metadata_max_age_ms=1_000,
    )
    consumer.subscribe([topic], listener=Listener())
    with polled(partial(consumer.poll, 50)):
        yield member
    consumer.close()


@contextmanager
def java(cluster: TestCluster, topic: str) -> Iterator[Member]:
    member = Member()
    argv = tool_command(
        VERIFIABLE_CONSUMER, "--bootstrap-server", cluster.bootstrap, "--topic", topic,
        "--group-id", topic, "--assignment-strategy", JAVA_ASSIGNOR,
    )  # fmt: skip
    with running_program(argv) as program:
        reader = threading.Thread(target=_read, args=(program, member))
        reader.start()
        yield member
        program.process.terminate()
        program.process.wait(TIMEOUT_S)
        reader.join(TIMEOUT_S)


def _read(program: RunningProgram, member: Member) -> None:
    """What kafka-verifiable-consumer says, a JSON document a line."""
    for line in program.lines():
        event = json.loads(line) if line.startswith("{") else {"name": line}
        partitions = {each["partition"] for each in event.get("partitions", [])}
        if event["name"] == "partitions_assigned":
            member.assigned(partitions)
        if event["name"] == "partitions_revoked":
            member.revoked(partitions)


@pytest.mark.parametrize("running", [librdkafka, kafka_python, java])
def test_only_what_moves_is_given_up(cluster: TestCluster, name: str, running: Running) -> None:
    make_topics(cluster.bootstrap, NewTopic(name, num_partitions=PARTITIONS, replication_factor=1))
    everything = set(range(PARTITIONS))
    with running(cluster, name) as first:
        wait_until("the first to have all", lambda: first.owned == everything, TIMEOUT_S)
        with running(cluster, name) as second:
            wait_until("the second to have its part", lambda: len(second.owned) == 3, TIMEOUT_S)
            assert first.given_up == second.owned
            assert first.owned == everything - second.owned
            assert second.given_up == set()
            moved = set(second.owned)
        wait_until("the first to have all again", lambda: first.owned == everything, TIMEOUT_S)
        assert first.given_up == moved
