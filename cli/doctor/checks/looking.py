"""What a check says of what it looks at, and what all of them ask the facts.

A check says of everything that it looks at whether it is as it has to be:

    look.at("orders-0", leader in isr, "leader 1 is not in the ISR 2,3")

and names what it couldn't look at. Words tell one finding from another, so they hold what is to
stay the same from one look to the next, and `values` what may have moved.
"""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from cli.doctor.facts import Facts
from coordination.values import LeaderAndIsr, PartitionAssignment, TopicPartition
from coordination.znodes import paths


@attrs.frozen
class Finding:
    """Something that is not as it has to be. Equal are those of the same subject and words."""

    subject: str
    what: str
    values: Mapping[str, object] = attrs.field(factory=dict, eq=False)

    def __str__(self) -> str:
        values = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{self.subject}: {self.what}" + (f" ({values})" if values else "")


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


def states_of(
    facts: Facts,
) -> Iterator[tuple[TopicPartition, LeaderAndIsr, PartitionAssignment]]:
    """Each partition that has a state, is assigned, and isn't being deleted."""
    for partition, assignment in assigned(facts).items():
        state = facts.znodes.states.get(partition)
        if state is not None:
            yield partition, state, assignment


def assigned(facts: Facts) -> dict[TopicPartition, PartitionAssignment]:
    return {
        TopicPartition(topic, number): assignment
        for topic, its in sorted(facts.znodes.topics.items())
        if topic not in facts.znodes.deleting
        for number, assignment in sorted(its.partitions.items())
    }


def is_unreadable(facts: Facts, partition: TopicPartition) -> bool:
    unreadable = facts.znodes.unreadable
    return paths.topic(partition.topic) in unreadable or (
        paths.partition_state(partition) in unreadable
    )


def silent(facts: Facts) -> list[str]:
    """The brokers that didn't answer, as what wasn't looked at."""
    return [f"broker {broker_id}: {why}" for broker_id, why in facts.silent.items()]


def without_logs(facts: Facts) -> list[str]:
    """The same, with the brokers that aren't even alive: nobody else can tell of their replicas."""
    holding = {each for its in assigned(facts).values() for each in its.replicas}
    dead = sorted(holding - facts.znodes.brokers.keys())
    return [*silent(facts), *(f"broker {each}: it is not in /brokers/ids" for each in dead)]


def ids(broker_ids: Iterable[int]) -> str:
    return ",".join(map(str, broker_ids)) or "none"
