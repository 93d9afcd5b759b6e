"""All messages there are, each with its versions, for tests that go through them."""

from broker.wire.apis import API_TABLE
from broker.wire.messages import consumer_protocol, offsets_topic, transactions_topic
from broker.wire.schema import versions_of

STORED_MESSAGES: list[type] = [
    offsets_topic.OffsetCommitKey,
    offsets_topic.OffsetCommitValue,
    offsets_topic.GroupMetadataKey,
    offsets_topic.GroupMetadataValue,
    transactions_topic.TransactionLogKey,
    transactions_topic.TransactionLogValue,
    consumer_protocol.ConsumerProtocolSubscription,
    consumer_protocol.ConsumerProtocolAssignment,
]

EVERY_MESSAGE: list[type] = [
    *(api.request_class for api in API_TABLE.values()),
    *(api.response_class for api in API_TABLE.values()),
    *STORED_MESSAGES,
]


def versions(message: type) -> range:
    """The versions that a message's table declares."""
    valid = versions_of(message).valid
    assert valid.last is not None
    return range(valid.first, valid.last + 1)


EVERY_VERSION: list[tuple[type, int]] = [
    (message, version) for message in EVERY_MESSAGE for version in versions(message)
]
