"""What was so in the look before, and can't be otherwise now: epochs, and what was committed.

Unlike everything else this isn't seen again in the next look, and needn't be: what only grows and
has become less was on no way anywhere. A topic that was deleted and made again is another topic.
"""

from cli.doctor.checks.logs import difference
from cli.doctor.checks.looking import Look, states_of
from cli.doctor.facts import Facts
from coordination.values import TopicPartition
from coordination.znodes import paths


def nothing_goes_back(facts: Facts, look: Look) -> None:
    before = facts.before
    if before is None:
        look.unseen.append("there is only one look yet")
        return
    was, now = before.znodes.controller_epoch, facts.znodes.controller_epoch
    if was is not None and now is not None:
        look.at(paths.CONTROLLER_EPOCH, now >= was, f"has gone back from {was} to {now}")
    for partition, state, _ in states_of(facts):
        former = before.znodes.states.get(partition)
        if former is None or _topic_id(before, partition) != _topic_id(facts, partition):
            continue
        look.at(
            partition,
            state.leader_epoch >= former.leader_epoch,
            f"its leader epoch has gone back from {former.leader_epoch} to {state.leader_epoch}",
        )
        _look_at_logs(
            before, facts, look, partition, is_same_epoch=state.leader_epoch == former.leader_epoch
        )
    look.unseen.append("what was before the first look")


def _look_at_logs(
    before: Facts, facts: Facts, look: Look, partition: TopicPartition, *, is_same_epoch: bool
) -> None:
    was, now = before.logs.get(partition), facts.logs.get(partition)
    if was is None or now is None:
        return
    if is_same_epoch and was.high_watermark is not None and now.high_watermark is not None:
        look.at(
            partition,
            now.high_watermark >= was.high_watermark,
            "its high watermark has gone back, in the same leader epoch",
            before=was.high_watermark,
            now=now.high_watermark,
        )
    for broker_id, replica in now.replicas.items():
        former = was.replicas.get(broker_id)
        if former is None or former.sample is None or replica.sample is None:
            continue
        offset = difference(
            former.sample, replica.sample, has_gaps=was.is_compacted or now.is_compacted
        )
        look.at(
            partition,
            offset is None,
            f"on broker {broker_id} what was committed at offset {offset} has changed",
        )


def _topic_id(facts: Facts, partition: TopicPartition) -> object:
    return facts.znodes.topics[partition.topic].topic_id
