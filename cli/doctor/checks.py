"""The checks: each a pure function of the facts, and a row of `CHECKS`.

A check says of everything that it looks at whether it is as it has to be:

    look.at("orders-0", leader in isr, "the leader is not in the ISR", leader=1, isr=(2, 3))

and names what it couldn't look at. Words tell one finding from another, so they hold what is to
stay the same from one look to the next, and `values` what may have moved.

Sources: KIP-101 and KIP-279 (epochs), KIP-380 (broker epochs), KIP-516 (topic ids), KIP-664
(hanging transactions), kafka.controller.KafkaController, kafka.cluster.Partition.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, pairwise

import attrs

from cli.doctor.facts import Cache, Facts, Sample
from coordination.values import LeaderAndIsr, PartitionAssignment, TopicPartition
from coordination.znodes import paths

INTERNAL_TOPICS = ("__consumer_offsets", "__transaction_state")


@attrs.frozen
class Finding:
    """Something that is not as it has to be. Equal are those of the same subject and words."""

    subject: str
    what: str
    values: Mapping[str, object] = attrs.field(factory=dict, eq=False)


@attrs.define
class Look:
    """What one check saw: how many things, which of them are broken, and what it couldn't see."""

    seen: int = 0
    broken: list[Finding] = attrs.field(factory=list)
    unseen: list[str] = attrs.field(factory=list)

    def at(self, subject: object, is_as_promised: bool, what: str, **values: object) -> None:
        """One thing: `what` says what is wrong with it if it isn't as promised."""
        self.seen += 1
        if not is_as_promised:
            self.broken.append(Finding(str(subject), what, values))


# The control plane


def znodes_can_be_read(facts: Facts, look: Look) -> None:
    known = facts.znodes
    look.seen += len(known.topics) + len(known.states) + len(known.brokers)
    for path, why in known.unreadable.items():
        look.at(path, False, why)


def one_controller(facts: Facts, look: Look) -> None:
    controller = facts.znodes.controller
    look.at(paths.CONTROLLER, controller is not None, "no controller is elected")
    if controller is None:
        return
    is_registered = controller.broker_id in facts.znodes.brokers
    look.at(
        paths.CONTROLLER, is_registered, f"broker {controller.broker_id} is not in /brokers/ids"
    )
    for broker_id, cache in facts.caches.items():
        look.at(
            f"broker {broker_id}",
            cache.controller_id == controller.broker_id,
            f"takes {_broker(cache.controller_id)} for the controller, "
            f"/controller says broker {controller.broker_id}",
        )
    look.unseen += _silent(facts)


def controller_epochs(facts: Facts, look: Look) -> None:
    epoch = facts.znodes.controller_epoch
    look.at(paths.CONTROLLER_EPOCH, epoch is not None, "is missing")
    look.unseen.append("the epoch that each broker was told: no request asks for it")
    if epoch is None:
        return
    for partition, state, _ in _states(facts):
        look.at(
            partition,
            state.controller_epoch <= epoch,
            f"its state is of controller epoch {state.controller_epoch}, "
            f"/controller_epoch is {epoch}",
        )


def ephemerals_of_one_session(facts: Facts, look: Look) -> None:
    owners = facts.znodes.brokers
    for broker_id, session_id in owners.items():
        path = paths.broker(broker_id)
        look.at(path, session_id != 0, "is not ephemeral")
        others = [each for each, its in owners.items() if its == session_id and each != broker_id]
        shared = bool(session_id and others)
        look.at(path, not shared, f"its session owns brokers {others}, too")
    controller = facts.znodes.controller
    if controller is None:
        return
    owner = owners.get(controller.broker_id)
    look.at(
        paths.CONTROLLER,
        owner in (None, controller.session_id),  # not registered: `one_controller` says so
        f"another session owns it than {paths.broker(controller.broker_id)}",
        session=f"{controller.session_id:#x}",
        broker_session=None if owner is None else f"{owner:#x}",
    )


# Partitions


def states_fit_assignments(facts: Facts, look: Look) -> None:
    for partition, state, assignment in _states(facts):
        outside = sorted(set(state.isr) - set(assignment.replicas))
        look.at(
            partition,
            not outside,
            f"ISR {_ids(state.isr)} is not within the replicas {_ids(assignment.replicas)}",
        )
        look.at(
            partition,
            state.leader < 0 or state.leader in state.isr,
            f"leader {state.leader} is not in the ISR {_ids(state.isr)}",
        )
        look.at(partition, bool(state.isr), "the ISR is empty")
    for partition in _assigned(facts):
        if partition not in facts.znodes.states and not _is_unreadable(facts, partition):
            look.at(partition, False, "is assigned, and has no state")


def leaders_are_alive(facts: Facts, look: Look) -> None:
    """A partition without a leader whose ISR is dead is offline, and still as promised."""
    alive = facts.znodes.brokers
    for partition, state, _ in _states(facts):
        is_alive = state.leader < 0 or state.leader in alive
        look.at(partition, is_alive, f"leader {state.leader} is not in /brokers/ids")
        could_lead = [each for each in state.isr if each in alive]
        look.at(
            partition,
            state.leader >= 0 or not could_lead,
            f"has no leader, though {_ids(could_lead)} of its ISR are alive",
        )


def internal_topics_have_leaders(facts: Facts, look: Look) -> None:
    for topic in INTERNAL_TOPICS:
        if topic not in facts.znodes.topics:
            continue
        numbers = sorted(facts.znodes.topics[topic].partitions)
        is_whole = numbers == list(range(len(numbers)))
        look.at(topic, is_whole, f"its partitions are {_ids(numbers)}, not one after another")
    for partition, state, _ in _states(facts):
        if partition.topic in INTERNAL_TOPICS:
            look.at(partition, state.leader >= 0, "has no leader: what it coordinates stands still")


def caches_equal_znodes(facts: Facts, look: Look) -> None:
    for broker_id, cache in facts.caches.items():
        for partition, state, assignment in _states(facts):
            _compare(facts, look, broker_id, cache, partition, state, assignment)
        for partition in cache.partitions:
            topic = facts.znodes.topics.get(partition.topic)
            look.at(
                partition,
                (topic is None and _is_unreadable(facts, partition))
                or partition.topic in facts.znodes.deleting
                or (topic is not None and partition.partition in topic.partitions),
                f"broker {broker_id} knows of it, ZooKeeper doesn't",
            )
    look.unseen += _silent(facts)


def _compare(
    facts: Facts,
    look: Look,
    broker_id: int,
    cache: Cache,
    partition: TopicPartition,
    state: LeaderAndIsr,
    assignment: PartitionAssignment,
) -> None:
    cached = cache.partitions.get(partition)
    look.at(partition, cached is not None, f"broker {broker_id} doesn't know of it")
    if cached is None:
        return
    # A leader that isn't alive is told to nobody.
    leader = state.leader if state.leader in facts.znodes.brokers else -1
    for name, told, written in (
        ("leader", cached.leader, leader),
        ("leader epoch", cached.leader_epoch, state.leader_epoch),
        ("ISR", _ids(sorted(cached.isr)), _ids(sorted(state.isr))),
        ("replicas", _ids(cached.replicas), _ids(assignment.replicas)),
    ):
        look.at(
            partition,
            told == written,
            f"broker {broker_id} says {name} {told}, ZooKeeper {written}",
        )


def topic_ids_agree(facts: Facts, look: Look) -> None:
    for topic, assigned in facts.znodes.topics.items():
        if assigned.topic_id is None or topic in facts.znodes.deleting:
            continue
        for broker_id, cache in facts.caches.items():
            told = cache.topic_ids.get(topic)
            if told is not None:  # `caches_equal_znodes` says who doesn't know of a topic
                look.at(
                    topic,
                    told == assigned.topic_id,
                    f"broker {broker_id} says topic id {told}, ZooKeeper {assigned.topic_id}",
                )
    ids = [(each.topic_id, topic) for topic, each in facts.znodes.topics.items() if each.topic_id]
    for (one, topic), (other, next_topic) in pairwise(sorted(ids)):
        look.at(next_topic, one != other, f"has the same topic id as {topic}: {one}")
    look.unseen += _silent(facts)


# Logs


def leader_epochs_grow(facts: Facts, look: Look) -> None:
    for partition, state, _ in _states(facts):
        logs = facts.logs.get(partition)
        if logs is None:
            continue
        if logs.latest_epoch is not None:
            look.at(
                partition,
                logs.latest_epoch == state.leader_epoch,
                f"the leader's log knows epoch {logs.latest_epoch} at most, "
                f"the state is of epoch {state.leader_epoch}",
            )
        for broker_id, replica in logs.replicas.items():
            if replica.leader_epoch is not None:
                look.at(
                    partition,
                    replica.leader_epoch <= state.leader_epoch,
                    f"broker {broker_id} was told leader epoch {replica.leader_epoch}, "
                    f"the state is of epoch {state.leader_epoch}",
                )
            if replica.sample is not None:
                _look_at_epochs(look, partition, broker_id, replica.sample, state.leader_epoch)
    look.unseen.append("epochs in followers' logs before the sample: only leaders tell them")
    look.unseen += _silent(facts)


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
            f"the state of epoch {leader_epoch}",
        )


def high_watermarks_within_logs(facts: Facts, look: Look) -> None:
    for partition, state, _ in _states(facts):
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
    look.unseen += _silent(facts)


def committed_records_are_equal(facts: Facts, look: Look) -> None:
    for partition, logs in facts.logs.items():
        if partition.topic in facts.znodes.deleting:
            continue
        samples = {
            broker_id: replica.sample
            for broker_id, replica in logs.replicas.items()
            if replica.sample is not None
        }
        for broker_id, replica in logs.replicas.items():
            if replica.why_no_sample is not None:
                look.unseen.append(f"{partition} on broker {broker_id}: {replica.why_no_sample}")
        for (one, its), (other, others) in combinations(samples.items(), 2):
            difference = _difference(its, others, has_gaps=logs.is_compacted)
            look.at(
                partition,
                difference is None,
                f"brokers {one} and {other} differ at offset {difference}, which is committed",
            )
    look.unseen.append("records before the sample")
    look.unseen += _silent(facts)


def _difference(one: Sample, other: Sample, *, has_gaps: bool) -> int | None:
    """The first offset at which two replicas have not the same; None if there is none.

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


# What all share


def _states(facts: Facts) -> Iterator[tuple[TopicPartition, LeaderAndIsr, PartitionAssignment]]:
    """Each partition that has a state, is assigned, and isn't being deleted."""
    for partition, assignment in _assigned(facts).items():
        state = facts.znodes.states.get(partition)
        if state is not None:
            yield partition, state, assignment


def _assigned(facts: Facts) -> dict[TopicPartition, PartitionAssignment]:
    return {
        TopicPartition(topic, number): assignment
        for topic, assigned in sorted(facts.znodes.topics.items())
        if topic not in facts.znodes.deleting
        for number, assignment in sorted(assigned.partitions.items())
    }


def _is_unreadable(facts: Facts, partition: TopicPartition) -> bool:
    unreadable = facts.znodes.unreadable
    return paths.topic(partition.topic) in unreadable or (
        paths.partition_state(partition) in unreadable
    )


def _silent(facts: Facts) -> list[str]:
    return [f"broker {broker_id}: {why}" for broker_id, why in facts.silent.items()]


def _broker(broker_id: int) -> str:
    return f"broker {broker_id}" if broker_id >= 0 else "nobody"


def _ids(broker_ids: Iterator[int] | list[int] | tuple[int, ...]) -> str:
    return ",".join(map(str, broker_ids)) or "none"


@attrs.frozen
class Check:
    """A row: its name, what it compares, and the function that does."""

    name: str
    compares: str
    run: Callable[[Facts, Look], None]


CHECKS = (
    Check("znodes", "each document is one that Kafka can read", znodes_can_be_read),
    Check("controller", "/controller with each broker's metadata", one_controller),
    Check("controller-epoch", "/controller_epoch with partition states", controller_epochs),
    Check("ephemerals", "the owners of /controller and /brokers/ids", ephemerals_of_one_session),
    Check("isr", "partition states with assignments", states_fit_assignments),
    Check("leaders", "partition states with /brokers/ids", leaders_are_alive),
    Check("internal-topics", "their partitions, each with a leader", internal_topics_have_leaders),
    Check("caches", "the znodes with each broker's metadata", caches_equal_znodes),
    Check("topic-ids", "the znodes with each broker's metadata", topic_ids_agree),
    Check("leader-epochs", "partition states with the replicas", leader_epochs_grow),
    Check("high-watermark", "the leader's with the ISR's log ends", high_watermarks_within_logs),
    Check("records", "the last committed ones of all replicas", committed_records_are_equal),
    Check("transactions", "open ones with their coordinators", no_hanging_transactions),
)
