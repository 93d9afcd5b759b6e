"""`zbroker-admin partition epochs`, held against what each replica has on its disk."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from confluent_kafka import Producer

from broker.log.checkpoints import read_entries
from tests.interop.test_admin import admin
from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

EPOCHS = ("partition", "epochs", "t:0")
Starts = dict[int, int]


def told(cluster: TestCluster, exit_code: int = 0) -> Any:
    (partition,) = json.loads(admin(cluster, *EPOCHS, "-o", "json", exit_code=exit_code))[
        "partitions"
    ]
    return partition


def starts(cluster: TestCluster) -> dict[int, Starts]:
    """What each replica says, by broker."""
    return {
        replica["broker"]: {each["epoch"]: each["start_offset"] for each in replica["epochs"]}
        for replica in told(cluster)["replicas"]
    }


def on_disk(cluster: TestCluster, broker_id: int) -> Starts:
    file = cluster.log_dir(broker_id) / "t-0" / "leader-epoch-checkpoint"
    return {int(epoch): int(start) for epoch, start in map(str.split, read_entries(file))}


def are_as_on_disk(cluster: TestCluster) -> bool:
    """A file may be written a moment later."""
    return starts(cluster) == {each: on_disk(cluster, each) for each in cluster.brokers}


def produce(cluster: TestCluster, count: int) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "log_level": 0})
    for number in range(count):
        producer.produce("t", str(number))
    assert producer.flush(30) == 0


def is_led_by(cluster: TestCluster, leader: int, isr: str) -> bool:
    return f"Leader: {leader}\tReplicas: 1,2\tIsr: {isr}" in admin(
        cluster, "topic", "describe", "t"
    )


def test_the_leaders_of_a_partition(
    new_cluster: Callable[..., AbstractContextManager[TestCluster]],
) -> None:
    # Else the controller brings the first leader back by itself, five seconds after it was elected.
    by_hand = {"auto.leader.rebalance.enable": "false"}
    with new_cluster(brokers=2, properties=by_hand) as cluster:
        admin(cluster, "topic", "create", "t", "--replica-assignment", "1:2")
        wait_until_known(cluster.bootstrap, "t")
        produce(cluster, 3)
        assert set(starts(cluster)) == {1, 2}

        cluster.brokers[1].stop()
        wait_until("the other to lead", partial(is_led_by, cluster, 2, "2"))
        produce(cluster, 2)
        missing = admin(cluster, *EPOCHS, exit_code=3)
        assert missing.startswith("Error: t-0 on broker 1: ")

        cluster.brokers[1].start()
        cluster.brokers[1].wait_ready()
        wait_until("it to be in sync", partial(is_led_by, cluster, 2, "2,1"))
        wait_until("answers as on disk", partial(are_as_on_disk, cluster))
        partition = told(cluster)
        assert partition["agree"] is True
        assert partition["replicas"][0]["epochs"] == partition["replicas"][1]["epochs"]
        first, second = partition["replicas"][0]["epochs"]
        assert (first["epoch"], first["start_offset"], first["end_offset"]) == (0, 0, 3)
        assert (second["start_offset"], second["end_offset"]) == (3, 5)

        elect = ("partition", "elect", "--election-type", "preferred", "--topic", "t")
        admin(cluster, *elect, "--partition", "0")
        wait_until("the first to lead", partial(is_led_by, cluster, 1, "2,1"))
        wait_until("answers as on disk", partial(are_as_on_disk, cluster))
        leader, follower = (list(each.items()) for each in starts(cluster).values())
        assert leader[:-1] == follower, "of an epoch without records a follower does not hear"
        assert leader[-1][1] == 5
        assert told(cluster)["agree"] is True

        admin(cluster, "records", "delete", "--offset", "t:0=4", "--execute")
        wait_until(
            "no replica to have the first epoch",
            lambda: all(4 in each.values() and 0 not in each for each in starts(cluster).values()),
        )
        wait_until("answers as on disk", partial(are_as_on_disk, cluster))
        table = admin(cluster, *EPOCHS).splitlines()
        assert table[0].split() == ["EPOCH", "AGREE", "LEADER-1", "FOLLOWER-2"]
        assert [line.split()[1:] for line in table[1:]] == [["yes", "4", "4"], ["yes", "5", "-"]]


def test_what_is_not_there(cluster: TestCluster, name: str) -> None:
    for partition in (f"{name}:0", "__nothing:7"):
        error = admin(cluster, "partition", "epochs", partition, exit_code=1)
        assert error.endswith(": UNKNOWN_TOPIC_OR_PARTITION\n")
