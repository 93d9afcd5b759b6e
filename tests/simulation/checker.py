"""The invariants of the ensemble, looked at from outside the world: no broker can lie to it.

    ZooKeeper's writes ──► states: epochs grow, ISRs are part of the assignment
    every replica's log ─► committed: below a high watermark all bytes are one history
    the clients' acks ───► at the end: all of it is in that history, once

`committed` is the history of each partition: batch by batch, what the first replica had below its
high watermark. Every other replica must have the same, byte for byte, and go on having it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from uuid import UUID

import attrs
import trio

from broker.broker import Broker
from broker.log.partition_log import PartitionLog
from broker.replica.partition import Partition
from broker.replica.roles import Leading
from broker.wire.record_batch import batches
from coordination.memory_store import MemoryStore
from coordination.memory_tree import Done
from coordination.store import Create, Op, Set, Stat
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import decode_controller_epoch, decode_partition_state, decode_topic, paths
from tests.simulation.client import Acknowledged
from tests.simulation.ensemble import Ensemble

INTERVAL_S = 0.2


class CheckedStore(MemoryStore):
    """Every write that changes the cluster's state is checked before its writer hears of it."""

    def __init__(self, clock_ms: Callable[[], int], *, session_timeout_ms: int) -> None:
        super().__init__(clock_ms, session_timeout_ms=session_timeout_ms)
        self.states: dict[TopicPartition, LeaderAndIsr] = {}
        self.session_of_epoch: dict[int, int] = {}  # the controllers', by controller epoch

    def commit(self, ops: list[Op], session_id: int) -> list[Done]:
        results = super().commit(ops, session_id)
        for op in ops:
            if isinstance(op, Create | Set):
                self._check(op.path, session_id)
        return results

    def _check(self, path: str, session_id: int) -> None:
        parts = path.split("/")
        if path == paths.CONTROLLER_EPOCH:
            epoch = decode_controller_epoch(self.tree.node(path))
            assert epoch not in self.session_of_epoch, f"two controllers of epoch {epoch}"
            assert epoch > max(self.session_of_epoch, default=-1), f"back to epoch {epoch}"
            self.session_of_epoch[epoch] = session_id
        elif len(parts) == 7 and parts[-1] == "state":
            tp = TopicPartition(parts[3], int(parts[5]))
            node = self.tree.node(path)
            self._check_state(tp, decode_partition_state(tp, node), node.stat, session_id)

    def _check_state(
        self, tp: TopicPartition, new: LeaderAndIsr, stat: Stat, session_id: int
    ) -> None:
        topic = decode_topic(tp.topic, self.tree.node(paths.topic(tp.topic)))
        latest_epoch = max(self.session_of_epoch)
        assert session_id == self.session_of_epoch[latest_epoch], f"{tp}: a zombie wrote {new}"
        assert new.controller_epoch == latest_epoch, f"{tp}: {new} in epoch {latest_epoch}"
        assert new.isr, f"{tp}: an empty ISR"
        assert set(new.isr) <= set(topic.partitions[tp.partition].replicas), f"{tp}: {new}"
        assert new.leader in (-1, *new.isr), f"{tp}: the leader isn't in its ISR: {new}"
        old = self.states.get(tp)
        if old is not None and stat.version > 0:
            assert new.leader_epoch >= old.leader_epoch, f"{tp}: from {old} to {new}"
            if new.leader != old.leader:
                assert new.leader_epoch > old.leader_epoch, f"{tp}: from {old} to {new}"
        self.states[tp] = new


@attrs.define
class History:
    """What is committed of one topic's partition. `topic_id`: another topic has its own."""

    batches: dict[int, bytes] = attrs.field(factory=dict)  # by base offset
    end_offset: int = 0


@attrs.define(eq=False)
class Checker:
    ensemble: Ensemble
    histories: dict[tuple[UUID, TopicPartition], History] = attrs.field(factory=dict)
    # compared up to this offset; by log: the copy that replaces one is compared anew
    _verified: dict[PartitionLog, int] = attrs.field(factory=dict)
    _led: dict[tuple[Partition, int], int] = attrs.field(factory=dict)  # epoch -> high watermark
    _leaders: dict[tuple[UUID, TopicPartition, int], int] = attrs.field(factory=dict)  # by epoch

    async def run(self) -> None:
        while True:
            self.look()
            await trio.sleep(INTERVAL_S)

    def look(self) -> None:
        for broker in self.ensemble.brokers():
            for partition in broker.replicas.partitions.values():
                if not partition.log.is_failed:  # or closed, by a broker that is stopping
                    self._check_high_watermark(partition)
                    self._check_leader(partition)
                    self._check_history(partition)

    def forget(self) -> None:
        """What is committed from now on is a new history: power was lost on every replica."""
        self.histories.clear()
        self._verified.clear()

    def _check_high_watermark(self, partition: Partition) -> None:
        log = partition.log
        ends = (log.log_start_offset, log.high_watermark, log.log_end_offset)
        assert ends == tuple(sorted(ends)), f"{_name(partition)}: {ends}"
        if isinstance(partition.role, Leading):
            before = self._led.get((partition, partition.leader_epoch), 0)
            assert log.high_watermark >= before, f"{_name(partition)}: from {before} to {ends}"
            self._led[partition, partition.leader_epoch] = log.high_watermark

    def _check_leader(self, partition: Partition) -> None:
        """An epoch has one leader, and what that has committed is on the whole ISR."""
        role, tp = partition.role, partition.topic_partition
        if not isinstance(role, Leading):
            return
        known = self._leaders.setdefault((partition.topic_id, tp, role.epoch), partition.broker_id)
        assert known == partition.broker_id, f"{_name(partition)}: so does broker {known}"
        state = self._store.states.get(tp)
        if state is None or (state.leader, state.leader_epoch) != (known, role.epoch):
            return
        for broker in self.ensemble.brokers():
            member = broker.replicas.partitions.get(tp)
            if broker.broker_id in state.isr and member and member.leader_epoch == role.epoch:
                assert partition.topic_id != member.topic_id or (
                    partition.high_watermark <= member.log.log_end_offset
                ), f"{_name(partition)}: committed {partition.high_watermark}, but {_name(member)}"

    def _check_history(self, partition: Partition) -> None:
        key = (partition.topic_id, partition.topic_partition)
        history = self.histories.setdefault(key, History())
        log = partition.log
        start = max(self._verified.get(log, 0), log.log_start_offset)
        end = log.high_watermark
        if start >= end:
            return
        for data in stored_batches(partition, start, end):
            [batch] = batches(data)
            known = history.batches.setdefault(batch.base_offset, data)
            assert data == known, (
                f"{_name(partition)}: at {batch.base_offset}, below its high watermark {end}, is "
                f"{_told(data)}; committed is {_told(known)}"
            )
        self._verified[log] = end
        history.end_offset = max(history.end_offset, end)

    @property
    def _store(self) -> CheckedStore:
        store = self.ensemble.store
        assert isinstance(store, CheckedStore)
        return store

    # -- at the end -------------------------------------------------------------

    async def settled(self, timeout_s: float = 60) -> None:
        """Wait until every partition's ISR is full again and everything is committed."""
        await self.ensemble.until(self._is_settled, "all replicas are in sync", timeout_s)
        self.look()

    def _is_settled(self) -> bool:
        brokers = {broker.broker_id: broker for broker in self.ensemble.brokers()}
        leaders = {
            partition.topic_partition: partition
            for broker in brokers.values()
            for partition in broker.replicas.leading()
        }
        store = self._store
        return all(
            tp in leaders and _is_in_sync(leaders[tp], brokers)
            for tp in store.states
            if store.tree.stat(paths.partition_state(tp)) is not None
        )

    def check_acknowledged(self, acknowledged: Iterable[Acknowledged]) -> None:
        """All of it is in the history where it was promised, and nothing is there twice."""
        kept: set[Acknowledged] = set()
        for (_, tp), history in self.histories.items():
            if tp.topic.startswith("__"):
                continue
            found = [
                Acknowledged(tp, record.offset, (record.value or b"").decode())
                for data in history.batches.values()
                for batch in batches(data)
                if not batch.is_control  # a marker is nobody's record
                for record in batch.records()
            ]
            twice = [value for value, n in Counter(f.value for f in found).items() if n > 1]
            assert not twice, f"{tp} has {twice} more than once"
            kept.update(found)
        lost = [promised for promised in acknowledged if promised not in kept]
        assert not lost, f"acknowledged and lost: {lost}"


def _is_in_sync(leader: Partition, brokers: Mapping[int, Broker]) -> bool:
    """All its replicas are in its ISR, with the same log up to the same high watermark."""
    role, tp = leader.role, leader.topic_partition
    assert isinstance(role, Leading)
    if set(role.isr) != set(leader.replicas) or not set(role.isr) <= set(brokers):
        return False
    replicas = [brokers[broker_id].replicas.partitions.get(tp) for broker_id in leader.replicas]
    ends = {(r.log.log_end_offset, r.high_watermark) for r in replicas if r is not None}
    return None not in replicas and ends == {(leader.log.log_end_offset,) * 2}


def stored_batches(partition: Partition, start: int, end: int) -> Iterator[bytes]:
    """The batches of a log from `start` to `end`, one segment after the other."""
    while start < end:
        found = partition.log.read(start, 1 << 30, end)
        assert found.regions, f"{_name(partition)}: nothing at {start}, before {end}"
        for batch in batches(b"".join(region.read() for region in found.regions)):
            yield bytes(batch.view)
            start = batch.end_offset


def _name(partition: Partition) -> str:
    return f"broker {partition.broker_id}: {partition.topic_partition}: {partition.role}"


def _told(data: bytes) -> list[str]:
    return [
        f"{record.offset}@{batch.leader_epoch}={(record.value or b'').decode(errors='replace')}"
        for batch in batches(data)
        for record in batch.records()
    ]
