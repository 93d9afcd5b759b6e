"""Kafka's error codes: the whole table of 3.9, and the exception that carries one.

An answer on the wire says what went wrong by a 16-bit code.  The codes are part of the protocol:
clients branch on the number (`retriable` tells which ones they try again), people read the name in
their logs, so both are Kafka's; the one-line messages are ours and go where a response has room for
an error message.

Inside the broker a failure that the caller must hear about is raised as `KafkaError` and turned
back into its code by the API's handler, per topic, partition or group as that API wants it.

Source of the names, numbers and the retriable flag: `org.apache.kafka.common.protocol.Errors`, 3.9.
"""

from enum import IntEnum
from typing import Self

RETRIABLE = True
FATAL = False


class ErrorCode(IntEnum):
    """A Kafka error code; an `int` wherever a message field wants one."""

    retriable: bool
    message: str

    def __new__(cls, code: int, retriable: bool, message: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.retriable = retriable
        member.message = message
        return member

    UNKNOWN_SERVER_ERROR = (
        -1,
        FATAL,
        "The broker failed in a way it did not expect; its log says how.",
    )
    NONE = (0, FATAL, "")
    OFFSET_OUT_OF_RANGE = (1, FATAL, "The log does not reach to this offset, or no longer does.")
    CORRUPT_MESSAGE = (
        2,
        RETRIABLE,
        "The records are damaged: wrong checksum, impossible size, or no key in a compacted topic.",
    )
    UNKNOWN_TOPIC_OR_PARTITION = (3, RETRIABLE, "This broker knows no such topic or partition.")
    INVALID_FETCH_SIZE = (4, FATAL, "The fetch size is not valid.")
    LEADER_NOT_AVAILABLE = (
        5,
        RETRIABLE,
        "The partition has no leader at present; an election is due.",
    )
    NOT_LEADER_OR_FOLLOWER = (
        6,
        RETRIABLE,
        "This broker is not the partition's leader, or holds no replica of it.",
    )
    REQUEST_TIMED_OUT = (7, RETRIABLE, "The request did not finish in its time.")
    BROKER_NOT_AVAILABLE = (8, FATAL, "The broker is not available.")
    REPLICA_NOT_AVAILABLE = (9, RETRIABLE, "The replica is not available on this broker.")
    MESSAGE_TOO_LARGE = (
        10,
        FATAL,
        "A record batch is larger than the topic allows (max.message.bytes).",
    )
    STALE_CONTROLLER_EPOCH = (11, FATAL, "A newer controller has been elected.")
    OFFSET_METADATA_TOO_LARGE = (
        12,
        FATAL,
        "The metadata of a committed offset is too long (offset.metadata.max.bytes).",
    )
    NETWORK_EXCEPTION = (13, RETRIABLE, "The connection broke before the answer came.")
    COORDINATOR_LOAD_IN_PROGRESS = (
        14,
        RETRIABLE,
        "The coordinator is still reading its state from the log.",
    )
    COORDINATOR_NOT_AVAILABLE = (15, RETRIABLE, "There is no coordinator at present.")
    NOT_COORDINATOR = (16, RETRIABLE, "Another broker coordinates this group or transactional id.")
    INVALID_TOPIC_EXCEPTION = (
        17,
        FATAL,
        "The topic name is not valid, or the topic is not open to this operation.",
    )
    RECORD_LIST_TOO_LARGE = (
        18,
        FATAL,
        "A record batch is larger than a whole log segment (segment.bytes).",
    )
    NOT_ENOUGH_REPLICAS = (
        19,
        RETRIABLE,
        "Fewer replicas are in sync than min.insync.replicas; nothing was written.",
    )
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = (
        20,
        RETRIABLE,
        "Written, but fewer replicas are in sync than min.insync.replicas.",
    )
    INVALID_REQUIRED_ACKS = (21, FATAL, "acks must be 0, 1 or -1 (all).")
    ILLEGAL_GENERATION = (22, FATAL, "The group has moved on to another generation.")
    INCONSISTENT_GROUP_PROTOCOL = (
        23,
        FATAL,
        "The member offers no protocol that all members of the group support.",
    )
    INVALID_GROUP_ID = (24, FATAL, "The group id is not valid.")
    UNKNOWN_MEMBER_ID = (25, FATAL, "The coordinator does not know this member of the group.")
    INVALID_SESSION_TIMEOUT = (
        26,
        FATAL,
        "The session timeout lies outside group.min and group.max.session.timeout.ms.",
    )
    REBALANCE_IN_PROGRESS = (27, FATAL, "The group is rebalancing: join again.")
    INVALID_COMMIT_OFFSET_SIZE = (28, FATAL, "The offset to commit is too large to be stored.")
    TOPIC_AUTHORIZATION_FAILED = (29, FATAL, "Not authorized for this topic.")
    GROUP_AUTHORIZATION_FAILED = (30, FATAL, "Not authorized for this group.")
    CLUSTER_AUTHORIZATION_FAILED = (31, FATAL, "Not authorized for the cluster.")
    INVALID_TIMESTAMP = (32, FATAL, "A record's timestamp is outside what the topic accepts.")
    UNSUPPORTED_SASL_MECHANISM = (33, FATAL, "This SASL mechanism is not enabled here.")
    ILLEGAL_SASL_STATE = (34, FATAL, "The request does not fit the state of the SASL handshake.")
    UNSUPPORTED_VERSION = (35, FATAL, "This version of the API is not supported.")
    TOPIC_ALREADY_EXISTS = (36, FATAL, "A topic of this name exists already.")
    INVALID_PARTITIONS = (37, FATAL, "The number of partitions is not valid.")
    INVALID_REPLICATION_FACTOR = (
        38,
        FATAL,
        "The replication factor is below 1 or above the number of available brokers.",
    )
    INVALID_REPLICA_ASSIGNMENT = (39, FATAL, "The replica assignment is not valid.")
    INVALID_CONFIG = (40, FATAL, "A configuration value is not valid.")
    NOT_CONTROLLER = (41, RETRIABLE, "This broker is not the controller.")
    INVALID_REQUEST = (
        42,
        FATAL,
        "The request contradicts itself or lacks something; see the broker's log.",
    )
    UNSUPPORTED_FOR_MESSAGE_FORMAT = (43, FATAL, "The record format in use cannot do this.")
    POLICY_VIOLATION = (44, FATAL, "The request goes against a configured policy.")
    OUT_OF_ORDER_SEQUENCE_NUMBER = (
        45,
        FATAL,
        "The producer's sequence number does not follow its last one.",
    )
    DUPLICATE_SEQUENCE_NUMBER = (46, FATAL, "The producer's sequence number has been used before.")
    INVALID_PRODUCER_EPOCH = (47, FATAL, "The producer's epoch is older than the one last seen.")
    INVALID_TXN_STATE = (48, FATAL, "The transaction's state does not allow this.")
    INVALID_PRODUCER_ID_MAPPING = (
        49,
        FATAL,
        "The producer id does not belong to this transactional id.",
    )
    INVALID_TRANSACTION_TIMEOUT = (
        50,
        FATAL,
        "The transaction timeout is larger than transaction.max.timeout.ms.",
    )
    CONCURRENT_TRANSACTIONS = (
        51,
        RETRIABLE,
        "Another operation on this transaction is still under way.",
    )
    TRANSACTION_COORDINATOR_FENCED = (52, FATAL, "A newer transaction coordinator has taken over.")
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = (53, FATAL, "Not authorized for this transactional id.")
    SECURITY_DISABLED = (54, FATAL, "No authorizer is configured.")
    OPERATION_NOT_ATTEMPTED = (
        55,
        FATAL,
        "Not tried, because another operation of the same request failed.",
    )
    KAFKA_STORAGE_ERROR = (56, RETRIABLE, "The disk under the partition's log failed.")
    LOG_DIR_NOT_FOUND = (57, FATAL, "No such directory among log.dirs.")
    SASL_AUTHENTICATION_FAILED = (58, FATAL, "SASL authentication failed.")
    UNKNOWN_PRODUCER_ID = (
        59,
        FATAL,
        "Nothing of this producer is left in the log, so its sequence cannot be checked.",
    )
    REASSIGNMENT_IN_PROGRESS = (60, FATAL, "The partition is being reassigned.")
    DELEGATION_TOKEN_AUTH_DISABLED = (61, FATAL, "Delegation tokens are not enabled.")
    DELEGATION_TOKEN_NOT_FOUND = (62, FATAL, "No such delegation token.")
    DELEGATION_TOKEN_OWNER_MISMATCH = (
        63,
        FATAL,
        "The principal is neither owner nor renewer of the token.",
    )
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = (
        64,
        FATAL,
        "Delegation tokens cannot be requested over this kind of connection.",
    )
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = (65, FATAL, "Not authorized for this delegation token.")
    DELEGATION_TOKEN_EXPIRED = (66, FATAL, "The delegation token has expired.")
    INVALID_PRINCIPAL_TYPE = (67, FATAL, "This type of principal is not supported.")
    NON_EMPTY_GROUP = (68, FATAL, "The group still has members.")
    GROUP_ID_NOT_FOUND = (69, FATAL, "No such group.")
    FETCH_SESSION_ID_NOT_FOUND = (70, RETRIABLE, "No such fetch session: start a new one.")
    INVALID_FETCH_SESSION_EPOCH = (
        71,
        RETRIABLE,
        "The fetch session is at another epoch: start a new one.",
    )
    LISTENER_NOT_FOUND = (
        72,
        RETRIABLE,
        "The partition's leader has no listener of the name this client came in by.",
    )
    TOPIC_DELETION_DISABLED = (
        73,
        FATAL,
        "Topics cannot be deleted here (delete.topic.enable=false).",
    )
    FENCED_LEADER_EPOCH = (
        74,
        RETRIABLE,
        "The partition has a newer leader epoch than the request.",
    )
    UNKNOWN_LEADER_EPOCH = (
        75,
        RETRIABLE,
        "The request has a newer leader epoch than this broker has heard of.",
    )
    UNSUPPORTED_COMPRESSION_TYPE = (
        76,
        FATAL,
        "The client's version cannot read this partition's compression.",
    )
    STALE_BROKER_EPOCH = (77, FATAL, "The broker has registered anew since.")
    OFFSET_NOT_AVAILABLE = (
        78,
        RETRIABLE,
        "The new leader does not yet know how far the log is committed.",
    )
    MEMBER_ID_REQUIRED = (79, FATAL, "Join again with the member id in this answer.")
    PREFERRED_LEADER_NOT_AVAILABLE = (80, RETRIABLE, "The preferred leader is not available.")
    GROUP_MAX_SIZE_REACHED = (81, FATAL, "The group is full (group.max.size).")
    FENCED_INSTANCE_ID = (82, FATAL, "Another member has taken over this group.instance.id.")
    ELIGIBLE_LEADERS_NOT_AVAILABLE = (83, RETRIABLE, "No replica that may lead is available.")
    ELECTION_NOT_NEEDED = (84, RETRIABLE, "The partition has its leader already.")
    NO_REASSIGNMENT_IN_PROGRESS = (85, FATAL, "The partition is not being reassigned.")
    GROUP_SUBSCRIBED_TO_TOPIC = (86, FATAL, "The group still consumes this topic.")
    INVALID_RECORD = (87, FATAL, "A record was refused by the broker's validation.")
    UNSTABLE_OFFSET_COMMIT = (88, RETRIABLE, "Offsets of an open transaction are still pending.")
    THROTTLING_QUOTA_EXCEEDED = (89, RETRIABLE, "The quota is used up; try again later.")
    PRODUCER_FENCED = (90, FATAL, "A newer producer with the same transactional id has taken over.")
    RESOURCE_NOT_FOUND = (91, FATAL, "No such resource.")
    DUPLICATE_RESOURCE = (92, FATAL, "The request names a resource twice.")
    UNACCEPTABLE_CREDENTIAL = (93, FATAL, "The credential does not meet the requirements.")
    INCONSISTENT_VOTER_SET = (94, FATAL, "Sender or receiver is not among the quorum's voters.")
    INVALID_UPDATE_VERSION = (95, FATAL, "The version to update to is not valid.")
    FEATURE_UPDATE_FAILED = (96, FATAL, "The feature versions could not be updated.")
    PRINCIPAL_DESERIALIZATION_FAILURE = (
        97,
        FATAL,
        "The principal of a forwarded request could not be read.",
    )
    SNAPSHOT_NOT_FOUND = (98, FATAL, "No such snapshot.")
    POSITION_OUT_OF_RANGE = (99, FATAL, "The position lies outside the snapshot.")
    UNKNOWN_TOPIC_ID = (100, RETRIABLE, "This broker knows no topic of this id.")
    DUPLICATE_BROKER_REGISTRATION = (101, FATAL, "A broker of this id is registered already.")
    BROKER_ID_NOT_REGISTERED = (102, FATAL, "No broker of this id is registered.")
    INCONSISTENT_TOPIC_ID = (
        103,
        RETRIABLE,
        "The log belongs to another topic id than the request.",
    )
    INCONSISTENT_CLUSTER_ID = (104, FATAL, "The request is meant for another cluster.")
    TRANSACTIONAL_ID_NOT_FOUND = (105, FATAL, "No such transactional id.")
    FETCH_SESSION_TOPIC_ID_ERROR = (
        106,
        RETRIABLE,
        "The fetch session mixes topic names and topic ids: start a new one.",
    )
    INELIGIBLE_REPLICA = (107, FATAL, "The new ISR has a replica that may not join it.")
    NEW_LEADER_ELECTED = (108, FATAL, "The change was made, and the partition has a new leader.")
    OFFSET_MOVED_TO_TIERED_STORAGE = (109, FATAL, "The offset lies in tiered storage only.")
    FENCED_MEMBER_EPOCH = (
        110,
        FATAL,
        "The member's epoch is over: give up all partitions and join again.",
    )
    UNRELEASED_INSTANCE_ID = (111, FATAL, "Another member still holds this instance id.")
    UNSUPPORTED_ASSIGNOR = (112, FATAL, "The group does not support this assignor.")
    STALE_MEMBER_EPOCH = (113, FATAL, "The member must learn its new epoch by a heartbeat first.")
    MISMATCHED_ENDPOINT_TYPE = (114, FATAL, "The request came to the wrong type of endpoint.")
    UNSUPPORTED_ENDPOINT_TYPE = (115, FATAL, "This type of endpoint is not supported.")
    UNKNOWN_CONTROLLER_ID = (116, FATAL, "No such controller.")
    UNKNOWN_SUBSCRIPTION_ID = (117, FATAL, "The telemetry subscription is unknown or outdated.")
    TELEMETRY_TOO_LARGE = (118, FATAL, "The telemetry is larger than the broker accepts.")
    INVALID_REGISTRATION = (119, FATAL, "The broker's registration is not valid.")
    TRANSACTION_ABORTABLE = (
        120,
        FATAL,
        "The transaction failed; abort it and go on with the same transactional id.",
    )
    INVALID_RECORD_STATE = (121, FATAL, "The record's state does not allow this acknowledgement.")
    SHARE_SESSION_NOT_FOUND = (122, RETRIABLE, "No such share session.")
    INVALID_SHARE_SESSION_EPOCH = (123, RETRIABLE, "The share session is at another epoch.")
    FENCED_STATE_EPOCH = (124, FATAL, "The share group's state is at another epoch.")
    INVALID_VOTER_KEY = (125, FATAL, "The voter's key is not this replica's.")
    DUPLICATE_VOTER = (126, FATAL, "The voter is among the voters already.")
    VOTER_NOT_FOUND = (127, FATAL, "No such voter.")

    @classmethod
    def of(cls, code: int) -> Self:
        """The member for a code read from a peer; one we do not know is UNKNOWN_SERVER_ERROR."""
        try:
            return cls(code)  # type: ignore[call-arg]  # the value alone looks a member up
        except ValueError:
            return cls.UNKNOWN_SERVER_ERROR


class KafkaError(Exception):
    """A failure that the caller hears of as an error code.

    `message` defaults to the code's own line; give one that names the topic, key or value at fault.
    """

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        self.code = code
        self.message = code.message if message is None else message
        super().__init__(f"{code.name}: {self.message}")

    def alone(self) -> Self:
        """To be kept: without where it came from, which keeps alive all that was in hand there."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)
