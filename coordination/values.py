"""The nouns that both planes share: a partition, a broker, a leader and its ISR.

They are frozen, so that a task may keep one across an await and compare it with a newer one.
Three different epochs appear here and must never be mixed up:

    controller epoch   counts elections of a controller  (/controller_epoch's content)
    leader epoch       counts elections of one partition's leader  (inside .../state)
    partition epoch    counts every change of one partition's state (.../state's znode version;
                       an ISR change moves it without moving the leader epoch)

and a broker has a fourth, its broker epoch: the czxid of its /brokers/ids znode, which tells one
life of a broker from the next (KIP-380).

Source: kafka.cluster.{EndPoint,Broker}, kafka.api.LeaderAndIsr, kafka.controller.ReplicaAssignment.
"""

import enum
import uuid
from collections.abc import Mapping
from typing import Protocol

import attrs

NO_LEADER = -1
"""The leader of a partition that has none: no replica of its ISR is alive."""

LEADER_DURING_DELETE = -2
"""The leader that a state or request names while its topic is being deleted."""

UNKNOWN_BROKER_EPOCH = -1
"""In place of a broker epoch, from a broker that is too old to tell one (KIP-380, KIP-903)."""

NO_LEADER_EPOCH = -1
"""In place of a leader epoch in StopReplica: none was ever elected, or none is known."""

LEADER_EPOCH_DURING_DELETE = -2
"""In place of a leader epoch in StopReplica: the topic goes, whatever the epoch (KIP-570)."""


class LeaderRecoveryState(enum.IntEnum):
    """Whether a leader may be trusted to have what was committed (KIP-704).

    An unclean election makes its leader RECOVERING; the next ISR that the leader has written says
    that it has RECOVERED. At 3.9 nothing waits for it: it is a warning to whoever reads the state.
    """

    RECOVERED = 0
    RECOVERING = 1


ZERO_UUID = uuid.UUID(int=0)
"""No topic id, on the wire. In memory it is None."""


@attrs.frozen(slots=True, order=True, cache_hash=True)
class TopicPartition:
    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


@attrs.frozen(slots=True)
class Endpoint:
    """Where a broker listens: `listener` is its name, such as PLAINTEXT or INTERNAL."""

    listener: str
    security_protocol: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.listener}://{host}:{self.port}"


@attrs.frozen(slots=True)
class BrokerRegistration:
    """What a broker says of itself in /brokers/ids/N. `epoch` is that znode's czxid."""

    broker_id: int
    endpoints: tuple[Endpoint, ...]
    rack: str | None = None
    features: Mapping[str, Mapping[str, int]] = attrs.field(factory=dict)
    timestamp_ms: int = -1
    jmx_port: int = -1
    epoch: int = -1

    def endpoint(self, listener: str) -> Endpoint | None:
        """The endpoint with that listener name; None if this broker has none."""
        return next((each for each in self.endpoints if each.listener == listener), None)


@attrs.frozen(slots=True)
class LeaderAndIsr:
    """One partition's .../state. `partition_epoch` is the znode's version, not in its data."""

    leader: int
    leader_epoch: int
    isr: tuple[int, ...]
    controller_epoch: int
    partition_epoch: int
    leader_recovery_state: LeaderRecoveryState = LeaderRecoveryState.RECOVERED


@attrs.frozen(slots=True)
class PartitionAssignment:
    """The brokers that hold a partition, the preferred leader first.

    During a reassignment `replicas` is the union, the target's first; `adding` are not yet wanted
    by the old assignment, `removing` no longer by the new one (KIP-455). From 1,2,3 to 3,4:

        replicas 3,4,1,2    adding 4    removing 1,2        origin 3,1,2    target 3,4

    So the origin's members are kept, but not always their order.
    """

    replicas: tuple[int, ...]
    adding: tuple[int, ...] = ()
    removing: tuple[int, ...] = ()

    @property
    def origin(self) -> tuple[int, ...]:
        return tuple(replica for replica in self.replicas if replica not in self.adding)

    @property
    def target(self) -> tuple[int, ...]:
        return tuple(replica for replica in self.replicas if replica not in self.removing)

    @property
    def is_being_reassigned(self) -> bool:
        return bool(self.adding or self.removing)

    def reassigned_to(self, target: tuple[int, ...]) -> "PartitionAssignment":
        """On the way from our origin to `target`; nothing is on its way if they are the same."""
        origin = self.origin
        replicas = (*target, *(replica for replica in origin if replica not in target))
        return PartitionAssignment(
            replicas,
            adding=tuple(replica for replica in replicas if replica not in origin),
            removing=tuple(replica for replica in replicas if replica not in target),
        )


@attrs.frozen(slots=True)
class TopicAssignment:
    """/brokers/topics/T. `topic_id` is None only for topics older than Kafka 2.8."""

    topic: str
    topic_id: uuid.UUID | None
    partitions: Mapping[int, PartitionAssignment]


class Recorder(Protocol):
    """Takes one event of the trace and gives it an id.

    `kind` is dotted, such as `controller.elected`; `cause` is the id of the event that led to
    this one, so that a reader can walk from an effect back to its first cause.
    """

    def __call__(self, kind: str, *, cause: str | None = None, **facts: object) -> str: ...
