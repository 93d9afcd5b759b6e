"""A replica's role, high watermark and ISR."""

from pathlib import Path

import pytest

from broker.replica.partition import Partition
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.replica.support import batch, leader_and_isr, open_partition


def lead(partition: Partition, *isr: int, replicas: tuple[int, ...] = (1, 2, 3)) -> None:
    state = leader_and_isr(1, partition.leader_epoch + 1, isr)
    partition.become_leader(state, replicas, now_s=0.0)


async def test_alone_in_the_isr_an_append_is_committed_at_once(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)
    lead(partition, 1, replicas=(1,))
    info = partition.append_as_leader(batch("a", "b"), -1, 0.0)
    assert (info.first_offset, info.last_offset) == (0, 1)
    assert partition.high_watermark == 2
    assert partition.is_acknowledged(2, partition.leader_epoch)


async def test_the_high_watermark_waits_for_every_member_of_the_isr(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)
    lead(partition, 1, 2, 3)
    partition.append_as_leader(batch("a", "b"), -1, 0.0)
    assert partition.high_watermark == 0
    partition.follower_fetched(2, 2, 0, 1.0, 7)
    assert partition.high_watermark == 0
    partition.follower_fetched(3, 1, 0, 1.0, 7)
    assert partition.high_watermark == 1
    partition.follower_fetched(3, 2, 0, 2.0, 7)
    assert partition.high_watermark == 2


async def test_under_min_isr_an_acks_1_append_goes_in_but_stays_invisible(tmp_path: Path) -> None:
    partition = open_partition(tmp_path, min_insync_replicas=2)
    lead(partition, 1)
    with pytest.raises(KafkaError) as refused:
        partition.append_as_leader(batch("a"), -1, 0.0)
    assert refused.value.code is ErrorCode.NOT_ENOUGH_REPLICAS
    partition.append_as_leader(batch("a"), 1, 0.0)
    assert partition.log.log_end_offset == 1
    assert partition.high_watermark == 0


async def test_under_min_isr_a_batch_sent_again_waits_for_the_isr(tmp_path: Path) -> None:
    """Its first copy is here. To call it not written would let the producer write it anew."""
    partition = open_partition(tmp_path, min_insync_replicas=2)
    lead(partition, 1, 2)
    partition.append_as_leader(numbered(0), -1, 0.0)
    lead(partition, 1)
    info = partition.append_as_leader(numbered(0), -1, 0.0)
    assert info.is_duplicate
    assert not partition.is_acknowledged(1, partition.leader_epoch)
    with pytest.raises(KafkaError) as refused:
        partition.append_as_leader(numbered(1), -1, 0.0)
    assert refused.value.code is ErrorCode.NOT_ENOUGH_REPLICAS
    partition.follower_fetched(2, 1, 0, 1.0, 7)
    partition.isr_altered((1, 2), 1, 1.0)
    assert partition.is_acknowledged(1, partition.leader_epoch)


def numbered(sequence: int, producer_epoch: int = 0) -> memoryview:
    """A batch of one record from an idempotent producer."""
    records = [Record(value=b"a")]
    return memoryview(
        build_batch(records, producer_id=9, producer_epoch=producer_epoch, base_sequence=sequence)
    )


async def test_min_isr_never_asks_for_more_than_there_are_replicas(tmp_path: Path) -> None:
    partition = open_partition(tmp_path, min_insync_replicas=2)
    lead(partition, 1, replicas=(1,))
    partition.append_as_leader(batch("a"), -1, 0.0)
    assert partition.high_watermark == 1


async def test_an_isr_that_became_too_small_after_the_append_is_not_acknowledged(
    tmp_path: Path,
) -> None:
    partition = open_partition(tmp_path, min_insync_replicas=2)
    lead(partition, 1, 2, replicas=(1, 2))
    partition.append_as_leader(batch("a"), -1, 0.0)
    partition.follower_fetched(2, 1, 0, 1.0, 7)
    assert partition.is_acknowledged(1, partition.leader_epoch)
    partition.isr_altered((1,), 1, 2.0)
    with pytest.raises(KafkaError) as refused:
        partition.is_acknowledged(1, partition.leader_epoch)
    assert refused.value.code is ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND


async def test_who_loses_the_leadership_acknowledges_nothing_more(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)
    lead(partition, 1, 2)
    epoch = partition.leader_epoch
    partition.append_as_leader(batch("a"), -1, 0.0)
    partition.become_follower(leader_and_isr(2, 5, (1, 2)), (1, 2))
    with pytest.raises(KafkaError) as refused:
        partition.append_as_leader(batch("b"), 1, 0.0)
    assert refused.value.code is ErrorCode.NOT_LEADER_OR_FOLLOWER
    lead(partition, 1)  # it's leader again, but who knows what became of the record meanwhile
    with pytest.raises(KafkaError) as refused:
        partition.is_acknowledged(1, epoch)
    assert refused.value.code is ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_the_death_of_a_follower_loses_no_append_that_waits(tmp_path: Path) -> None:
    """The leader stays, in a new epoch without the dead one: what it appended is committed now."""
    partition = open_partition(tmp_path)
    lead(partition, 1, 2, 3)
    epoch = partition.leader_epoch
    partition.append_as_leader(batch("a"), -1, 0.0)
    partition.follower_fetched(2, 1, 0, 1.0, 7)
    partition.follower_fetched(3, 0, 0, 1.0, 7)
    assert not partition.is_acknowledged(1, epoch)
    lead(partition, 1, 2)
    assert partition.is_acknowledged(1, epoch)


async def test_a_new_leader_does_not_wait_for_the_dead_one(tmp_path: Path) -> None:
    """It has heard of no follower yet; only those in the ISR hold the high watermark back."""
    partition = open_partition(tmp_path)
    lead(partition, 1, 2)
    partition.append_as_leader(batch("a"), -1, 0.0)
    partition.follower_fetched(2, 1, 0, 1.0, 7)
    assert partition.high_watermark == 1


async def test_who_has_just_stopped_holds_nothing_back(tmp_path: Path) -> None:
    """It fetched in this epoch, was caught up and about to join the ISR, but it's gone now."""
    living = {1, 2, 3}
    partition = open_partition(tmp_path, living=living)
    lead(partition, 1, 2)
    partition.follower_fetched(3, 0, 0, 1.0, 7)
    partition.append_as_leader(batch("a"), -1, 1.0)
    partition.follower_fetched(2, 1, 0, 1.0, 7)
    assert partition.high_watermark == 0, "waits for 3"
    living.discard(3)
    partition.advance_high_watermark(1.0)
    assert partition.high_watermark == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [(0, ErrorCode.FENCED_LEADER_EPOCH), (2, ErrorCode.UNKNOWN_LEADER_EPOCH)],
)
async def test_a_request_of_another_epoch_is_fenced(
    tmp_path: Path, asked: int, code: ErrorCode
) -> None:
    partition = open_partition(tmp_path)
    lead(partition, 1)
    lead(partition, 1)
    assert partition.leader_epoch == 1
    with pytest.raises(KafkaError) as refused:
        partition.leading(asked)
    assert refused.value.code is code
    assert partition.leading(1).epoch == 1


async def test_a_proposal_counts_the_larger_isr_until_it_is_committed(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)
    lead(partition, 1, 2)
    partition.append_as_leader(batch("a"), 1, 0.0)
    partition.follower_fetched(2, 1, 0, 100.0, 7)
    partition.follower_fetched(3, 1, 0, 100.0, 7)
    proposed = partition.joining_isr(3, 100.0)
    assert proposed == (1, 2, 3)
    partition.leading().proposed_isr = proposed
    assert partition.joining_isr(3, 100.0) is None, "one proposal at a time"
    partition.append_as_leader(batch("b"), 1, 200.0)
    partition.follower_fetched(2, 2, 0, 200.0, 7)
    assert partition.high_watermark == 1, "3 may be a member already"
    partition.isr_altered((1, 2, 3), 1, 200.0)
    partition.follower_fetched(3, 2, 0, 200.0, 7)
    assert partition.high_watermark == 2


async def test_the_isr_stays_in_the_order_of_joining(tmp_path: Path) -> None:
    """As Kafka writes it: who joins goes to the end, who leaves leaves the others in place."""
    partition = open_partition(tmp_path)
    lead(partition, 3, 1)
    partition.follower_fetched(2, 0, 0, 0.0, 7)
    assert partition.joining_isr(2, 0.0) == (3, 1, 2)
    partition.isr_altered((3, 1, 2), 1, 0.0)
    partition.follower_fetched(2, 0, 0, 31.0, 7)
    assert partition.shrunk_isr(now_s=31.0) == (1, 2)


async def test_a_shrink_counts_the_old_isr_until_it_is_committed(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)
    lead(partition, 1, 2)
    partition.append_as_leader(batch("a"), 1, 0.0)
    shrunk = partition.shrunk_isr(now_s=31.0)
    assert shrunk == (1,)
    partition.leading().proposed_isr = shrunk
    partition.advance_high_watermark(31.0)
    assert partition.high_watermark == 0
    partition.isr_altered((1,), 1, 31.0)
    assert partition.high_watermark == 1


async def test_a_broker_that_holds_no_replica_is_refused_as_follower(tmp_path: Path) -> None:
    partition = open_partition(tmp_path)
    lead(partition, 1, 2)
    for epoch, code in (
        (partition.leader_epoch, ErrorCode.UNKNOWN_LEADER_EPOCH),
        (-1, ErrorCode.NOT_LEADER_OR_FOLLOWER),  # it doesn't say: whose news is older?
    ):
        with pytest.raises(KafkaError) as refused:
            partition.follower(9, epoch)
        assert refused.value.code is code
