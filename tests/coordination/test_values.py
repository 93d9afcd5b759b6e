"""PartitionAssignment: where a reassignment comes from and where it goes (KIP-455)."""

import pytest

from coordination.values import PartitionAssignment


@pytest.mark.parametrize(
    ("before", "target", "replicas", "adding", "removing"),
    [
        ((1, 2, 3), (3, 4), (3, 4, 1, 2), (4,), (1, 2)),
        ((1, 2, 3), (4, 5, 6), (4, 5, 6, 1, 2, 3), (4, 5, 6), (1, 2, 3)),
        ((1,), (1, 2), (1, 2), (2,), ()),
        ((1, 2), (2,), (2, 1), (), (1,)),
        ((1, 2, 3), (3, 2, 1), (3, 2, 1), (), ()),
    ],
)
def test_on_the_way(
    before: tuple[int, ...],
    target: tuple[int, ...],
    replicas: tuple[int, ...],
    adding: tuple[int, ...],
    removing: tuple[int, ...],
) -> None:
    way = PartitionAssignment(before).reassigned_to(target)
    assert way == PartitionAssignment(replicas, adding, removing)
    assert way.target == target
    assert sorted(way.origin) == sorted(before)
    assert way.is_being_reassigned == bool(adding or removing)
    back = way.reassigned_to(way.origin)
    assert (back.adding, back.removing, set(back.replicas)) == ((), (), set(before))


def test_another_target_starts_from_the_same_origin() -> None:
    way = PartitionAssignment((1, 2)).reassigned_to((3, 4)).reassigned_to((5, 1))
    assert way == PartitionAssignment((5, 1, 2), adding=(5,), removing=(2,))
