"""Topics that a test makes or deletes, known or forgotten everywhere before it goes on.

Who asks for a topic is answered when the controller's own broker knows of its leaders; the others
are told a moment later, in Kafka as with us. So nobody may be asked about it before he has heard:

    make_topics(cluster.bootstrap, NewTopic("t", 3, 1))       # made, and known to all
    run(... "--create" "--topic" "t"); wait_until_known(cluster.bootstrap, "t")

`bootstrap` names every broker that is to know, and each must run.
"""

from functools import partial

from confluent_kafka.admin import AdminClient, NewTopic

from broker.wire.apis import ApiKey
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponseTopic,
)
from tests.support.raw_client import CLOSED, RawClient
from tests.support.waiting import wait_until

TIMEOUT_S = 60.0


def make_topics(bootstrap: str, *new: NewTopic) -> None:
    """Ask the cluster for the topics, all at once, and wait until each broker knows them."""
    wait_until_controlled(bootstrap)
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for made in admin.create_topics(list(new)).values():
        made.result(TIMEOUT_S)
    wait_until_known(bootstrap, *(topic.topic for topic in new))


def wait_until_controlled(bootstrap: str) -> None:
    """Until each broker names a live controller.

    One that has just started knows of nobody, and librdkafka, once told so, may never ask again.
    """
    for address in bootstrap.split(","):
        wait_until(f"{address} to know the controller", partial(_is_controlled, address), TIMEOUT_S)


def wait_until_known(bootstrap: str, *topics: str, partitions: int = 1) -> None:
    """Until each broker tells a leader of all partitions, and of no fewer than `partitions`."""
    for address in bootstrap.split(","):
        for topic in topics:
            wait_until(
                f"{address} to know {topic}",
                partial(_is_led, address, topic, partitions),
                TIMEOUT_S,
            )


def wait_until_forgotten(bootstrap: str, *topics: str) -> None:
    """Until each broker says that there is no such topic."""
    for address in bootstrap.split(","):
        for topic in topics:
            wait_until(
                f"{address} to forget {topic}", partial(_is_unknown, address, topic), TIMEOUT_S
            )


def _is_controlled(address: str) -> bool:
    with RawClient(address) as client:
        answer = client.ask(ApiKey.METADATA, 12, MetadataRequest(topics=[]))
    return answer is not CLOSED and answer.controller_id in {
        broker.node_id for broker in answer.brokers
    }


def _is_led(address: str, topic: str, partitions: int) -> bool:
    found = _described(address, topic)
    return (
        found is not None
        and found.error_code == 0
        and len(found.partitions) >= partitions
        and all(partition.leader_id >= 0 for partition in found.partitions)
    )


def _is_unknown(address: str, topic: str) -> bool:
    found = _described(address, topic)
    return found is not None and not found.partitions


def _described(address: str, topic: str) -> MetadataResponseTopic | None:
    """What that very broker says of the topic; a client library may ask another one."""
    request = MetadataRequest(
        topics=[MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False
    )
    with RawClient(address) as client:
        answer = client.ask(ApiKey.METADATA, 12, request)
    if answer is CLOSED:
        return None
    [found] = answer.topics
    assert isinstance(found, MetadataResponseTopic)
    return found
