"""Which topics consumers subscribe to, read from what they say of themselves when they join.

The bytes belong to the assignors, and the coordinator passes them on unread. The one thing it wants
to know is the topics: the offsets of a topic that nobody in a living group consumes any more may
expire (KIP-211). It reads the first version's fields, with which every version begins:

      0        2
      +--------+---------------------+
      | version| []string topics     | ...
      +--------+---------------------+

Source: KIP-211; `ConsumerProtocol.deserializeSubscription` and `computeSubscribedTopics` in Kafka.
"""

from collections.abc import Iterable
from typing import Final

from broker.wire.codec import MalformedMessage, reader
from broker.wire.messages.consumer_protocol import ConsumerProtocolSubscription
from broker.wire.versioned import peek_version

CONSUMER: Final = "consumer"
"""The protocol type of consumers; others, such as Kafka Connect, have their own."""

_VERSION_BYTES: Final = 2


def subscribed_topics(subscriptions: Iterable[bytes]) -> frozenset[str] | None:
    """The topics of all the subscriptions; None if one of them cannot be read."""
    read = reader(ConsumerProtocolSubscription, 0)
    topics: set[str] = set()
    for subscription in subscriptions:
        try:
            version = peek_version(subscription)
            message, _ = read(memoryview(subscription), _VERSION_BYTES)
        except MalformedMessage:
            return None
        if version < 0:
            return None
        topics.update(message.topics)
    return frozenset(topics)
