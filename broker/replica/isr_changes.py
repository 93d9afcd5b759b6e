"""Growing and shrinking ISRs: proposed by the leader, decided by the controller.

    follower fetch ──► caught up? ────┐
                                      ├──► proposal ──► AlterPartition 3 ──► controller
    every lag.time.max / 2 ─► lags? ──┘        ▲                                │
                                               │                                ▼
               partition: isr_altered ◄── persisted in .../state ◄──────────────┘

A newcomer goes to the end: in which order brokers joined stands in the znode (as
Kafka writes it; an election goes by the order of the replicas, not by this one).

At most one proposal a partition is under way (`Leading.proposed_isr`), and
meanwhile the high watermark counts with the larger ISR. Proposals that come
up while one request is out go together in the next one. The controller answers
each partition:

    no error                    the ISR is in force
    INELIGIBLE_REPLICA          a member is shutting down or dead: drop it, the next look decides
    FENCED_LEADER_EPOCH,        our state is old, LeaderAndIsr will tell. Ask no more, but go on
    INVALID_UPDATE_VERSION, ..  counting with the larger ISR: who knows whether an earlier attempt,
                                whose answer was lost, was done
    no answer, other errors     unknown whether it was done: send the same again

Kafka: AlterPartitionManager, Partition.maybeExpandIsr, maybeShrinkIsr,
handleAlterPartitionError, KIP-497, KIP-903.
"""

import logging
from collections.abc import Iterable

import attrs
import trio

from broker.control.client import ControllerClient, ControllerUnavailable
from broker.control.metadata_cache import MetadataCache
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.replica.roles import Leading
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionResponse,
    BrokerState,
    RequestPartitionData,
    RequestTopicData,
    ResponsePartitionData,
)
from coordination.values import ZERO_UUID, Recorder, TopicPartition

_log = logging.getLogger(__name__)

# The controller says that the proposal was not done and, as it knew our state, never will be.
REFUSED = frozenset({ErrorCode.INELIGIBLE_REPLICA, ErrorCode.OPERATION_NOT_ATTEMPTED})

# Somebody knows better than we do: a LeaderAndIsr or a StopReplica is on its way.
OVERTAKEN = frozenset(
    {
        ErrorCode.INVALID_UPDATE_VERSION,
        ErrorCode.FENCED_LEADER_EPOCH,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_ID,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.NEW_LEADER_ELECTED,
    }
)

RETRY_BACKOFF_S = 0.1
REQUEST_TIMEOUT_S = 30.0


@attrs.frozen
class Proposal:
    """An ISR that a leader wants, and the state that it was made in."""

    partition: Partition
    leader_epoch: int
    partition_epoch: int
    isr: tuple[int, ...]
    why: str


@attrs.define(eq=False)
class IsrChanges:
    """Collects proposals and carries them to the controller, in one task."""

    replicas: ReplicaManager
    metadata: MetadataCache
    controller: ControllerClient
    recorder: Recorder
    lag_time_max_s: float
    broker_epoch: int = attrs.field(default=-1, init=False)
    # Of the ISRs that we lead, those that were put in force: how many grew and shrank.
    expands: int = attrs.field(default=0, init=False)
    shrinks: int = attrs.field(default=0, init=False)
    failed: int = attrs.field(default=0, init=False)  # those that the controller refused
    _proposals: dict[TopicPartition, Proposal] = attrs.field(factory=dict, init=False)
    _wanted: trio.Event = attrs.field(factory=trio.Event, init=False)

    def follower_caught_up(self, partition: Partition, follower: int) -> None:
        """Propose to let `follower` in, if it may join and is alive."""
        if follower not in self.metadata.current.brokers:
            return
        isr = partition.joining_isr(follower, trio.current_time())
        if isr is not None:
            self._propose(partition, isr, f"broker {follower} has caught up")

    def _propose(self, partition: Partition, isr: tuple[int, ...], why: str) -> None:
        leading = partition.leading()
        leading.proposed_isr = isr
        self._proposals[partition.topic_partition] = Proposal(
            partition, leading.epoch, leading.partition_epoch, isr, why
        )
        self._wanted.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look for lagging followers and send proposals. Started: at once."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._shrink_periodically)
            nursery.start_soon(self._send_proposals)
            task_status.started()

    async def _shrink_periodically(self) -> None:
        while True:
            await trio.sleep(self.lag_time_max_s / 2)
            self.drop_laggards()

    def drop_laggards(self) -> None:
        """Propose smaller ISRs without the followers that lag.

        Not for a partition whose log directory has failed: its followers lag because we
        can't be read, and have all that was acknowledged (KAFKA-7837).
        """
        now_s = trio.current_time()
        for partition in self.replicas.leading():
            isr = partition.shrunk_isr(now_s)
            if isr is not None:
                gone = sorted(set(partition.leading().isr) - set(isr))
                why = f"brokers {gone} have not caught up for {self.lag_time_max_s:g} s"
                self._propose(partition, isr, why)

    async def _send_proposals(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            proposals, self._proposals = self._proposals, {}
            current = [p for p in proposals.values() if _is_current(p)]
            undecided = await self._send(current) if current else []
            if undecided:
                for proposal in undecided:
                    self._proposals.setdefault(proposal.partition.topic_partition, proposal)
                self._wanted.set()
                await trio.sleep(RETRY_BACKOFF_S)

    async def _send(self, proposals: list[Proposal]) -> list[Proposal]:
        """Ask the controller; returns the proposals that must be sent again."""
        request = self._request(proposals)
        try:
            response = await self.controller.request(
                ApiKey.ALTER_PARTITION, 3, request, AlterPartitionResponse, REQUEST_TIMEOUT_S
            )
        except ControllerUnavailable as error:
            _log.warning("no controller to decide on %d ISR changes: %s", len(proposals), error)
            return proposals
        if response.error_code != ErrorCode.NONE:
            _log.warning("AlterPartition failed: %s", ErrorCode.of(response.error_code).name)
            return proposals
        answers = {
            (topic.topic_id, partition.partition_index): partition
            for topic in response.topics
            for partition in topic.partitions
        }
        undecided = []
        for proposal in proposals:
            tp = proposal.partition.topic_partition
            answer = answers.get((proposal.partition.topic_id, tp.partition))
            if answer is None or not self._complete(proposal, answer):
                undecided.append(proposal)
        return undecided

    def _request(self, proposals: Iterable[Proposal]) -> AlterPartitionRequest:
        topics: dict[str, RequestTopicData] = {}
        for proposal in proposals:
            tp = proposal.partition.topic_partition
            topic = topics.setdefault(
                tp.topic, RequestTopicData(topic_id=proposal.partition.topic_id or ZERO_UUID)
            )
            topic.partitions.append(
                RequestPartitionData(
                    partition_index=tp.partition,
                    leader_epoch=proposal.leader_epoch,
                    partition_epoch=proposal.partition_epoch,
                    new_isr_with_epochs=[
                        BrokerState(broker_id=broker, broker_epoch=self._epoch_of(proposal, broker))
                        for broker in proposal.isr
                    ],
                )
            )
        return AlterPartitionRequest(
            broker_id=self.replicas.broker_id,
            broker_epoch=self.broker_epoch,
            topics=list(topics.values()),
        )

    def _epoch_of(self, proposal: Proposal, broker: int) -> int:
        if broker == self.replicas.broker_id:
            return self.broker_epoch
        leading = proposal.partition.role
        if isinstance(leading, Leading) and broker in leading.followers:
            return leading.followers[broker].broker_epoch
        return -1

    def _complete(self, proposal: Proposal, answer: ResponsePartitionData) -> bool:
        """Apply the controller's answer; False if it leaves the proposal undecided."""
        code = ErrorCode.of(answer.error_code)
        if code not in (ErrorCode.NONE, *REFUSED, *OVERTAKEN):
            _log.warning("%s: %s, asking again", proposal.partition.topic_partition, code.name)
            return False
        if not _is_current(proposal):
            return True
        leading = proposal.partition.leading()
        if code is not ErrorCode.NONE:
            if code in REFUSED:
                leading.proposed_isr = None
            _log.info(
                "%s: ISR %s refused: %s",
                proposal.partition.topic_partition,
                list(proposal.isr),
                code.name,
            )
            self.failed += 1
            return True
        self.recorder(
            "partition.isr_changed",
            partition=str(proposal.partition.topic_partition),
            before=list(leading.isr),
            isr=list(answer.isr),
            partition_epoch=answer.partition_epoch,
            why=proposal.why,
        )
        self.expands += len(answer.isr) > len(leading.isr)
        self.shrinks += len(answer.isr) < len(leading.isr)
        proposal.partition.isr_altered(answer.isr, answer.partition_epoch, trio.current_time())
        return True


def _is_current(proposal: Proposal) -> bool:
    """True while the leadership that made the proposal lasts and nothing newer was learnt."""
    role = proposal.partition.role
    return (
        isinstance(role, Leading)
        and not proposal.partition.log.is_failed
        and role.epoch == proposal.leader_epoch
        and role.partition_epoch == proposal.partition_epoch
    )
