"""Where we knowingly answer otherwise than Kafka 3.9.1, each with its reason."""

from collections.abc import Callable
from typing import Any, Final

import attrs

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode


@attrs.frozen
class Found:
    """One field of an answer in which the two differ."""

    key: ApiKey
    version: int
    path: str  # "topics[].partitions[].error_code"
    kafka: Any
    ours: Any
    request: Any
    answers: tuple[Any, Any]  # Kafka's and ours, whole

    @property
    def field(self) -> str:
        return self.path.rpartition(".")[2]


@attrs.frozen
class Deliberate:
    """A difference that is meant."""

    name: str
    reason: str
    is_it: Callable[[Found], bool]


# Kafka's words for a code, where it has no more to say; ours are in `broker.wire.errors`.
KAFKAS_WORDS: Final = {
    ErrorCode.INVALID_REQUEST: "This most likely occurs because of a request being malformed by "
    "the client library or the message was sent to an incompatible broker. See the broker logs for "
    "more details.",
}

# Of who may do what: not before there is something to tell clients apart by.
NOT_YET: Final = {
    ApiKey.SASL_HANDSHAKE,
    ApiKey.SASL_AUTHENTICATE,
    ApiKey.DESCRIBE_ACLS,
    ApiKey.CREATE_ACLS,
    ApiKey.DELETE_ACLS,
    ApiKey.CREATE_DELEGATION_TOKEN,
    ApiKey.RENEW_DELEGATION_TOKEN,
    ApiKey.EXPIRE_DELEGATION_TOKEN,
    ApiKey.DESCRIBE_DELEGATION_TOKEN,
}

FIRST_FETCH_THAT_GIVES_MORE: Final = 3  # than was asked for, if that's less than one batch
FIRST_FETCH_OF_FORMAT_2: Final = 4

# FetchSessionCache has eight shards by the ids' ranges, and these are in the ninth.
FIRST_ID_WITHOUT_SHARD: Final = 8 * ((2**31 - 1) // 8)


def _is_of_an_api_to_come(found: Found) -> bool:
    return found.ours is None and found.path in {f"api_keys.{key.name}" for key in NOT_YET}


def _has_kafkas_words(found: Found) -> bool:
    return found.field == "error_message" and any(
        (found.kafka, found.ours) == (words, code.message) for code, words in KAFKAS_WORDS.items()
    )


def _is_of_a_session_without_shard(found: Found) -> bool:
    return (
        found.key is ApiKey.FETCH
        and isinstance(found.request.session_id, int)
        and found.request.session_id >= FIRST_ID_WITHOUT_SHARD
        and found.answers[0].error_code == ErrorCode.UNKNOWN_SERVER_ERROR
        and found.answers[1].error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
    )


def _is_no_path(found: Found) -> bool:
    return (
        found.key in (ApiKey.OFFSET_COMMIT, ApiKey.OFFSET_FETCH)
        and found.version == 0
        and found.request.group_id == ""
        and (found.kafka, found.ours)
        == (ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.INVALID_GROUP_ID)
    )


# What nothing fits into that `world` has written.
LITTLE_BYTES: Final = 1000


def _is_larger_than_asked(found: Found) -> bool:
    return (
        found.key is ApiKey.FETCH
        and found.version < FIRST_FETCH_THAT_GIVES_MORE
        and found.field == "records"
        and found.kafka == []
        and isinstance(found.ours, list)
        and any(
            partition.partition_max_bytes < LITTLE_BYTES
            for topic in found.request.topics
            for partition in topic.partitions
        )
    )


def _is_before_zstd(found: Found) -> bool:
    return (
        found.key is ApiKey.FETCH
        and found.version < FIRST_FETCH_OF_FORMAT_2
        and found.field == "records"
        and isinstance(found.kafka, list)
        and isinstance(found.ours, list)
        and 0 < len(found.kafka) < len(found.ours)
        and found.ours[: len(found.kafka)] == found.kafka
        and any(str(topic.topic) == "<topic plain>" for topic in found.request.topics)
    )


def _is_a_sequence_of_nobody(found: Found) -> bool:
    return (
        found.key is ApiKey.FETCH
        and found.path == "responses[].partitions[].records[].base_sequence"
        and (found.kafka, found.ours) == (0, -1)
        and any(topic.topic == "__consumer_offsets" for topic in found.request.topics)
    )


def _is_of_the_last_transaction(found: Found) -> bool:
    return (
        found.key is ApiKey.DESCRIBE_TRANSACTIONS
        and found.field == "transaction_start_time_ms"
        and found.ours == -1
        and "Empty" in {each.transaction_state for each in found.answers[1].transaction_states}
    )


DELIBERATE: Final[list[Deliberate]] = [
    Deliberate("APIs to come", "what we do not have is not advertised", _is_of_an_api_to_come),
    Deliberate(
        "words for a code", "the code says the same, and our words are our own", _has_kafkas_words
    ),
    Deliberate(
        "fetch sessions without a shard",
        "Kafka looks for the largest ids where it has no cache, and stumbles",
        _is_of_a_session_without_shard,
    ),
    Deliberate(
        "groups without a name in ZooKeeper",
        "where offsets once were: there is no such path, and Kafka stumbles over that",
        _is_no_path,
    ),
    Deliberate(
        "when the last transaction began",
        "Kafka forgets it in the log with InitProducerId, but not in memory; we do in both",
        _is_of_the_last_transaction,
    ),
    Deliberate(
        "a message larger than asked for",
        "Kafka cuts it short, and before Fetch 3 a consumer stands still until somebody has it ask "
        "for more; we send it whole, as to later versions",
        _is_larger_than_asked,
    ),
    Deliberate(
        "what is before zstd",
        "Kafka converts so many batches at a time, and sends none of them but the first of all if "
        "a later one can't be had in an old format; we send what comes before that one",
        _is_before_zstd,
    ),
    Deliberate(
        "sequence numbers of a group's offsets",
        "Kafka writes 0 where no producer is that could count, we say that there is none",
        _is_a_sequence_of_nobody,
    ),
]


def deliberate(found: Found) -> Deliberate | None:
    return next((difference for difference in DELIBERATE if difference.is_it(found)), None)
