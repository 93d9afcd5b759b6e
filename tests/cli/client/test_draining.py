"""Which partitions get another leader, and which have none to get."""

from uuid import UUID

import pytest

from cli.client.draining import plan_drain
from cli.client.reassignments import Reassignment
from cli.client.topics import PartitionDescription, TopicDescription
from coordination.values import TopicPartition

A0 = TopicPartition("a", 0)


def topics(
    leader: int | None,
    replicas: tuple[int, ...],
    isr: tuple[int, ...],
    move: Reassignment | None = None,
) -> list[TopicDescription]:
    partition = PartitionDescription(0, leader, 3, replicas, isr, (), move)
    return [TopicDescription("a", UUID(int=7), False, (partition,), {}, 1)]


@pytest.mark.parametrize(
    ("leader", "replicas", "isr", "after"),
    [
        (1, (1, 2, 3), (1, 2, 3), (2, 3, 1)),
        (2, (1, 2, 3), (1, 2, 3), (2, 3, 1)),  # it was only preferred
        (1, (2, 1, 3), (1, 2, 3), (2, 3, 1)),
        (1, (1, 2, 3), (1, 3), (3, 2, 1)),
        (2, (1, 2), (2,), (2, 1)),
    ],
)
def test_who_shall_lead(
    leader: int, replicas: tuple[int, ...], isr: tuple[int, ...], after: tuple[int, ...]
) -> None:
    plan = plan_drain(topics(leader, replicas, isr), 1)
    assert (plan.before, plan.after, plan.staying) == ({A0: replicas}, {A0: after}, {})


@pytest.mark.parametrize(
    ("leader", "replicas", "isr", "move", "why"),
    [
        (1, (1,), (1,), None, "it has no other replica"),
        (1, (1, 2), (1,), None, "no other replica is in sync"),
        (None, (1, 2), (1,), None, "no other replica is in sync"),
        (1, (1, 2), (1, 2), Reassignment((1, 2), (2,), ()), "it is being reassigned"),
    ],
)
def test_what_stays(
    leader: int | None,
    replicas: tuple[int, ...],
    isr: tuple[int, ...],
    move: Reassignment | None,
    why: str,
) -> None:
    plan = plan_drain(topics(leader, replicas, isr, move), 1)
    assert (plan.after, plan.staying) == ({}, {A0: why})


def test_what_others_lead_is_left_alone() -> None:
    plan = plan_drain(topics(2, (2, 1, 3), (1, 2, 3)), 1)
    assert (plan.before, plan.after, plan.staying) == ({}, {}, {})
