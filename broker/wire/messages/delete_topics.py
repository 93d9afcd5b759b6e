"""DeleteTopics: delete topics, on the controller.

Versions:
     1-2  may answer NOT_CONTROLLER; TOPIC_DELETION_DISABLED only from 3 on, before INVALID_REQUEST
       4  flexible
       5  error messages; THROTTLING_QUOTA_EXCEEDED (KIP-599)
       6  `topics` instead of `topic_names`: each by name or by id,
          and the answer has both (KIP-516)
"""

from uuid import UUID

from broker.wire.schema import INT16, INT32, STRING, UUID_, array, message, struct, wire


@struct
class DeleteTopicState:
    name: str | None = wire(STRING, "6+", nullable="6+", default=None)  # null: by id
    topic_id: UUID = wire(UUID_, "6+")


@message(versions="0-6", flexible="4+")
class DeleteTopicsRequest:
    topics: list[DeleteTopicState] = wire(array(DeleteTopicState), "6+")
    topic_names: list[str] = wire(array(STRING), "0-5", ignorable=True)
    timeout_ms: int = wire(INT32, "0+")


@struct
class DeletableTopicResult:
    name: str | None = wire(STRING, "0+", nullable="6+")
    topic_id: UUID = wire(UUID_, "6+", ignorable=True)
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "5+", nullable="5+", default=None, ignorable=True)


@message(versions="0-6", flexible="4+")
class DeleteTopicsResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    responses: list[DeletableTopicResult] = wire(array(DeletableTopicResult), "0+")
