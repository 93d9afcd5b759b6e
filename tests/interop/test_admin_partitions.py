"""`zbroker-admin partition`, beside Kafka's own tools where there are any."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.interop.test_admin import admin
from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server


def replicas(cluster: TestCluster, name: str) -> Any:
    answer = admin(cluster, "partition", "replicas", name, "-o", "json")
    (partition,) = json.loads(answer)["partitions"]
    return partition


def test_replicas_side_by_side(cluster: TestCluster, name: str) -> None:
    admin(cluster, "topic", "create", name, "-p", "1", "-r", "3")
    wait_until_known(cluster.bootstrap, name)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
    for number in range(10):
        producer.produce(name, str(number))
    producer.flush()

    def caught_up() -> bool:
        return [each["lag"] for each in replicas(cluster, name)["replicas"]] == [0, 0, 0]

    wait_until("all to have 10 records", caught_up)
    partition = replicas(cluster, name)
    assert (partition["high_watermark"], partition["last_stable_offset"]) == (10, 10)
    for each in partition["replicas"]:
        assert (each["log_start_offset"], each["log_end_offset"]) == (0, 10)
        assert each["in_sync"] is True
        assert each["log_dirs"][0]["size_bytes"] > 0


def test_a_leader_that_was_away_is_brought_back(
    new_cluster: Callable[..., AbstractContextManager[TestCluster]],
) -> None:
    # Else the controller brings it back by itself, five seconds after it was elected.
    by_hand = {"auto.leader.rebalance.enable": "false"}
    with new_cluster(brokers=2, properties=by_hand) as cluster:
        admin(cluster, "topic", "create", "t", "--replica-assignment", "1:2")
        wait_until_known(cluster.bootstrap, "t")
        cluster.brokers[1].stop()

        def leader() -> int | None:
            answer = admin(cluster, "topic", "describe", "t", "-o", "json")
            found: int | None = json.loads(answer)["topics"][0]["partitions"][0]["leader"]
            return found

        wait_until("the other to lead", lambda: leader() == 2)
        missing = admin(cluster, "partition", "replicas", "t", exit_code=3)
        assert missing.startswith("Error: t-0 on broker 1: ")
        cluster.brokers[1].start()
        cluster.brokers[1].wait_ready()
        elect = ("partition", "elect", "--election-type", "preferred", "--topic", "t")
        wait_until(
            "it to be in sync", lambda: "Isr: 2,1" in admin(cluster, "topic", "describe", "t")
        )
        said = admin(cluster, *elect, "--partition", "0")
        assert said == "Successfully completed leader election (PREFERRED) for partitions t-0\n"
        assert leader() == 1
        again = admin(cluster, *elect, "--partition", "0")
        assert again == "Valid replica already elected for partitions t-0\n"
        assert "UNKNOWN_TOPIC_OR_PARTITION" in admin(
            cluster, *elect, "--partition", "7", exit_code=1
        )
