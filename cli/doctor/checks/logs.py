"""What the replicas' logs have: epochs, how far they go, and the records that are committed."""

from itertools import combinations, pairwise

from cli.doctor.checks.looking import Look, states_of, without_logs
from cli.doctor.facts import Facts, Sample
from coordination.values import TopicPartition


def leader_epochs_grow(facts: Facts, look: Look) -> None:
    for partition, state, _ in states_of(facts):
        logs = facts.logs.get(partition)
        if logs is None:
            continue
        if logs.latest_epoch is not None:
            look.at(
                partition,
                logs.latest_epoch == state.leader_epoch,
                f"the leader's log has no epoch {state.leader_epoch}, which its state is of",
            )
        for broker_id, replica in logs.replicas.items():
            if replica.leader_epoch is not None:
                look.at(
                    partition,
                    replica.leader_epoch == state.leader_epoch,
                    f"broker {broker_id} was told leader epoch {replica.leader_epoch}, "
                    f"its state is of epoch {state.leader_epoch}",
                )
            if replica.sample is not None:
                _look_at_epochs(look, partition, broker_id, replica.sample, state.leader_epoch)
    look.unseen.append("epochs in followers' logs before the sample: only leaders tell them")
    look.unseen += without_logs(facts)


def _look_at_epochs(
    look: Look, partition: TopicPartition, broker_id: int, sample: Sample, leader_epoch: int
) -> None:
    for one, other in pairwise(sample.pieces):
        look.at(
            partition,
            one.leader_epoch <= other.leader_epoch,
            f"on broker {broker_id} epoch {other.leader_epoch} at offset {other.offset} "
            f"follows epoch {one.leader_epoch}",
        )
    for piece in sample.pieces[-1:]:
        look.at(
            partition,
            piece.leader_epoch <= leader_epoch,
            f"on broker {broker_id} offset {piece.offset} is of epoch {piece.leader_epoch}, "
            f"its state of epoch {leader_epoch}",
        )


def high_watermarks_within_logs(facts: Facts, look: Look) -> None:
    for partition, state, _ in states_of(facts):
        logs = facts.logs.get(partition)
        if logs is None or logs.high_watermark is None:
            if state.leader >= 0:
                look.unseen.append(f"{partition}: its leader didn't tell the high watermark")
            continue
        for broker_id in state.isr:
            replica = logs.replicas.get(broker_id)
            if replica is None or replica.log_end_offset is None:
                continue
            look.at(
                partition,
                replica.log_end_offset >= logs.high_watermark,
                f"broker {broker_id} is in the ISR, and its log ends before the high watermark",
                log_end_offset=replica.log_end_offset,
                high_watermark=logs.high_watermark,
            )
    look.unseen += without_logs(facts)


def committed_records_are_equal(facts: Facts, look: Look) -> None:
    for partition, _, _ in states_of(facts):
        logs = facts.logs.get(partition)
        if logs is None:
            continue
        samples = {}
        for broker_id, replica in logs.replicas.items():
            sample = replica.sample
            if sample is not None:
                samples[broker_id] = sample
                look.at(
                    partition,
                    sample.corrupt is None,
                    f"on broker {broker_id} what is at offset {sample.corrupt} is corrupt",
                )
            elif replica.why_no_sample is not None:
                look.unseen.append(f"{partition} on broker {broker_id}: {replica.why_no_sample}")
        for one, other in combinations(sorted(samples), 2):
            offset = difference(samples[one], samples[other], has_gaps=logs.is_compacted)
            look.at(
                partition,
                offset is None,
                f"brokers {one} and {other} differ at offset {offset}, which is committed",
            )
    look.unseen.append("records before the sample")
    look.unseen += without_logs(facts)


def difference(one: Sample, other: Sample, *, has_gaps: bool) -> int | None:
    """The first offset at which two samples have not the same; None if there is none.

    has_gaps: each replica is compacted for itself, so that a record may be gone from either.
    """
    start = max(one.start_offset, other.start_offset)
    end = min(one.end_offset, other.end_offset)
    left, right = (
        {piece.offset: piece for piece in each.pieces if _lies_within(piece.end_offset, start, end)}
        for each in (one, other)
    )
    offsets = left.keys() & right.keys() if has_gaps else left.keys() | right.keys()
    return min((each for each in offsets if left.get(each) != right.get(each)), default=None)


def _lies_within(piece_end_offset: int, start: int, end: int) -> bool:
    """A batch that begins before the sample belongs to it, and one that ends behind it not."""
    return start < piece_end_offset <= end


def no_hanging_transactions(facts: Facts, look: Look) -> None:
    if facts.hanging is None:
        look.unseen.append(facts.why_no_hanging or "not asked")
        return
    look.seen += 1
    for each in facts.hanging:
        look.at(
            each.partition,
            False,
            f"the transaction of producer {each.producer.producer_id} "
            f"at offset {each.producer.transaction_start_offset} hangs",
        )
