"""What one look at an ensemble saw: the znodes, each broker's metadata, each replica's log.

Where a broker didn't answer, what it would have said is missing, and `silent` has the reason.
"""

from collections.abc import Mapping
from uuid import UUID

import attrs

from cli.client.hanging import OpenTransaction
from coordination.values import LeaderAndIsr, TopicAssignment, TopicPartition


@attrs.frozen
class Controller:
    """/controller, and the session that owns it."""

    broker_id: int
    session_id: int


@attrs.frozen
class Znodes:
    """The ensemble's tree. `unreadable` has the complaint about each document, by its path.

    brokers: the session that owns each /brokers/ids/N; 0 if the node is not ephemeral.
    deleting: topics that are being deleted; of them nothing is promised.
    """

    cluster_id: str | None
    controller: Controller | None
    controller_epoch: int | None
    brokers: Mapping[int, int]
    topics: Mapping[str, TopicAssignment]
    states: Mapping[TopicPartition, LeaderAndIsr]
    deleting: frozenset[str] = frozenset()
    unreadable: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class CachedPartition:
    """A partition in one broker's metadata; `leader` is -1 also if the leader isn't alive."""

    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]


@attrs.frozen
class Cache:
    """What one broker answers to Metadata."""

    cluster_id: str | None
    controller_id: int
    broker_ids: frozenset[int]
    topic_ids: Mapping[str, UUID]
    partitions: Mapping[TopicPartition, CachedPartition]


@attrs.frozen
class Piece:
    """A batch, or, of a compacted log, a record: where it stands, and a checksum of all of it."""

    offset: int
    end_offset: int
    leader_epoch: int
    checksum: int


@attrs.frozen
class Sample:
    """The committed end of one replica's log, from an offset on; complete up to `end_offset`.

    corrupt: from where on what is there can't be read, or has a wrong CRC; the sample ends there.
    """

    start_offset: int
    end_offset: int
    pieces: tuple[Piece, ...]
    corrupt: int | None = None


@attrs.frozen
class Replica:
    """One replica; None for what its broker didn't tell. `leader_epoch` is what it was told last.

    sample: None also if nothing was to be compared; `why_no_sample` says why.
    """

    log_end_offset: int | None
    leader_epoch: int | None
    sample: Sample | None = None
    why_no_sample: str | None = None


@attrs.frozen
class Logs:
    """The replicas of a partition, and what its leader says of it.

    high_watermark: asked for before the log ends, so that none of the ISR may be behind it.
    latest_epoch: the largest epoch in the leader's log that is not above the state znode's; -1 if
    it has none that is as large.
    """

    high_watermark: int | None
    latest_epoch: int | None
    is_compacted: bool
    replicas: Mapping[int, Replica]


@attrs.frozen
class Facts:
    """One look. `hanging` is None if it could not be asked for; `why_no_hanging` says why.

    acting: whether a broker acts as the controller, by its `http.listener`; only zbroker's tell.
    before: what the look before this one saw; None for the first.
    """

    znodes: Znodes
    caches: Mapping[int, Cache]
    silent: Mapping[int, str]
    logs: Mapping[TopicPartition, Logs]
    hanging: tuple[OpenTransaction, ...] | None = ()
    why_no_hanging: str | None = None
    acting: Mapping[str, bool] = attrs.field(factory=dict)
    why_not_acting: tuple[str, ...] = ()
    before: "Facts | None" = None
