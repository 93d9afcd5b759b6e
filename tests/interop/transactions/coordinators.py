"""Who coordinates a group or a transactional id: the leader of a partition of an internal topic."""

import itertools
from functools import partial
from typing import Final

from confluent_kafka import Consumer, ElectionType, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from broker.coordinators.log import partition_for
from tests.interop.faults.watch import ClusterWatch
from tests.support.waiting import wait_until

OFFSETS: Final = "__consumer_offsets"
TRANSACTIONS: Final = "__transaction_state"
TIMEOUT_S = 60.0


def coordinator(watch: ClusterWatch, topic: str, name: str) -> int:
    """The broker; `topic` is OFFSETS for a group, TRANSACTIONS for a transactional id."""
    partition = partition_for(name, len(watch.replicas(topic)))
    leader: int = watch.states(topic)[partition]["leader"]
    return leader


def make_internal_topics(bootstrap: str, watch: ClusterWatch) -> None:
    """The first one who asks for a coordinator has its topic made."""
    common = {"bootstrap.servers": bootstrap, "log_level": 0}
    Producer({**common, "transactional.id": "first"}).init_transactions(TIMEOUT_S)
    consumer = Consumer({**common, "group.id": "first"})
    wait_until("a group coordinator", partial(_answers, consumer), TIMEOUT_S)
    consumer.close()
    watch.wait_until_full_isr(TRANSACTIONS, OFFSETS)


def _answers(consumer: Consumer) -> bool:
    try:
        consumer.committed([TopicPartition("first", 0)], TIMEOUT_S)
    except KafkaException:
        return False  # it has just been elected
    return True


def name_coordinated_by(watch: ClusterWatch, prefix: str, broker_id: int) -> str:
    """A name whose group is coordinated by that broker, and its first loop's transactional id."""
    names = (f"{prefix}-{number}" for number in itertools.count())
    return next(
        name
        for name in names
        if coordinator(watch, OFFSETS, name)
        == coordinator(watch, TRANSACTIONS, transactional_id(name, 0))
        == broker_id
    )


def transactional_id(group: str, number: int) -> str:
    """That of a loop (see instances.py)."""
    return f"{group}-{number}"


def give_back(bootstrap: str, watch: ClusterWatch) -> None:
    """Have each internal topic's partitions led, and so coordinated, by their preferred leaders."""
    watch.wait_until_full_isr(TRANSACTIONS, OFFSETS)
    partitions = [
        TopicPartition(topic, int(number))
        for topic in (TRANSACTIONS, OFFSETS)
        for number in watch.replicas(topic)
    ]
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.elect_leaders(ElectionType.PREFERRED, partitions).result(TIMEOUT_S)
