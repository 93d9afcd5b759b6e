"""`zbroker-admin txn` beside Kafka's own tool."""

import json

import confluent_kafka
import pytest

from tests.interop.test_admin import admin
from tests.interop.test_kafka_tools import create_topic, run
from tests.interop.test_transactions import TIMEOUT_S, TRANSACTIONS, producer_of
from tests.support.cluster import TestCluster

pytestmark = pytest.mark.server


def cells(text: str, word: str) -> list[list[str]]:
    """The rows that have this word."""
    return sorted(line.split() for line in text.splitlines() if word in line.split())


def test_a_transaction_from_all_sides(cluster: TestCluster, name: str) -> None:
    create_topic(cluster, name, "--partitions", "1")
    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    producer.produce(name, "dropped")
    producer.flush(TIMEOUT_S)
    ours = cells(admin(cluster, "txn", "list", "--state", "Ongoing"), name)
    assert ours == cells(run(cluster, TRANSACTIONS, "list"), name)
    (transaction,) = json.loads(admin(cluster, "txn", "describe", name, "-o", "json"))[
        "transactions"
    ]
    assert transaction["partitions"] == [{"topic": name, "partition": 0}]

    of_it = ("--topic", name, "--partition", "0")
    producer_id = str(transaction["producer_id"])
    open_here = cells(admin(cluster, "txn", "producers", f"{name}:0"), producer_id)
    assert open_here == cells(run(cluster, TRANSACTIONS, "describe-producers", *of_it), producer_id)
    assert open_here[0][-1] == "0"

    # Its coordinator knows of it, so it does not hang: aborted all the same.
    look = ("txn", "find-hanging", *of_it, "--max-transaction-timeout", "0", "-o", "json")
    assert json.loads(admin(cluster, *look))["transactions"] == []
    assert "no open transaction begins at 1" in admin(
        cluster, "txn", "abort", f"{name}:0", "--start-offset", "1", exit_code=1
    )
    aborted = admin(cluster, "txn", "abort", f"{name}:0", "--start-offset", "0")
    assert aborted == f"Aborted the transaction of producer {producer_id} in {name}-0.\n"
    assert cells(admin(cluster, "txn", "producers", f"{name}:0"), producer_id)[0][-1] == "None"
    assert "no transactional id 'nobody'" in admin(
        cluster, "txn", "describe", "nobody", exit_code=1
    )


def test_an_id_taken_away_from_its_producer(cluster: TestCluster, name: str) -> None:
    create_topic(cluster, name, "--partitions", "1")
    producer = producer_of(cluster, name)
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    producer.produce(name, "dropped")
    producer.flush(TIMEOUT_S)
    terminate = ("txn", "force-terminate", name)
    assert "give --yes" in admin(cluster, *terminate, exit_code=2)
    ended = json.loads(admin(cluster, *terminate, "--yes", "-o", "json"))["terminated"]
    assert ended["state_before"] == "Ongoing"

    (now,) = json.loads(admin(cluster, "txn", "describe", name, "-o", "json"))["transactions"]
    assert (now["state"], now["partitions"]) == ("Empty", [])
    assert now["producer_epoch"] == ended["producer_epoch"]
    assert now["timeout_ms"] == 300_000
    state = cells(admin(cluster, "txn", "producers", f"{name}:0"), str(now["producer_id"]))
    assert state[0][-1] == "None"
    with pytest.raises(confluent_kafka.KafkaException) as fenced:
        producer.commit_transaction(TIMEOUT_S)
    assert fenced.value.args[0].code() == confluent_kafka.KafkaError._FENCED
    assert "no transactional id 'nobody'" in admin(
        cluster, "txn", "force-terminate", "nobody", "--yes", exit_code=1
    )
