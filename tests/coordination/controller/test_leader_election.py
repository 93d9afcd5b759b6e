"""The four elections as tables: assignment, ISR, who lives, and who leads then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.controller.leader_election import (
    Candidates,
    Strategy,
    elect,
    initial_leader_and_isr,
)
from coordination.values import LeaderAndIsr, LeaderRecoveryState, PartitionAssignment

ALL = frozenset({1, 2, 3})


def state(leader: int, *isr: int) -> LeaderAndIsr:
    return LeaderAndIsr(leader, 4, isr, controller_epoch=1, partition_epoch=9)


def run(
    strategy: Strategy,
    before: LeaderAndIsr,
    replicas: tuple[int, ...],
    live: set[int],
    *,
    shutting_down: set[int] | None = None,
    removing: tuple[int, ...] = (),
    unclean: bool = False,
) -> tuple[int, tuple[int, ...], tuple[int, ...]] | None:
    """(leader, isr, recipients), or None."""
    assignment = PartitionAssignment(replicas, removing=removing)
    candidates = Candidates(assignment, live, shutting_down or set(), unclean)
    election = elect(strategy, before, candidates)
    if election is None:
        return None
    after = election.state
    assert after.leader_epoch == before.leader_epoch + 1
    assert after.partition_epoch == before.partition_epoch  # the version to expect in ZooKeeper
    assert (after.leader_recovery_state is LeaderRecoveryState.RECOVERING) is election.unclean
    return after.leader, after.isr, election.recipients


@pytest.mark.parametrize(
    ("before", "live", "unclean", "expected"),
    [
        # The first of the assignment that lives and is in sync; the ISR keeps its order.
        (state(1, 1, 2, 3), {2, 3}, False, (2, (2, 3), (2, 3))),
        (state(1, 1, 3, 2), {2, 3}, False, (2, (3, 2), (2, 3))),
        (state(1, 1, 3), {2, 3}, False, (3, (3,), (2, 3))),
        (state(-1, 3), {1, 2, 3}, False, (3, (3,), (1, 2, 3))),
        # Nobody in sync lives: only an unclean election goes on, with the leader alone in sync.
        (state(1, 1), {2, 3}, False, None),
        (state(1, 1), {2, 3}, True, (2, (2,), (2, 3))),
        (state(1, 1), set(), True, None),
        # With somebody in sync, unclean makes no difference.
        (state(1, 1, 3), {2, 3}, True, (3, (3,), (2, 3))),
    ],
)
def test_offline(
    before: LeaderAndIsr,
    live: set[int],
    unclean: bool,
    expected: tuple[int, tuple[int, ...], tuple[int, ...]] | None,
) -> None:
    assert run(Strategy.OFFLINE, before, (1, 2, 3), live, unclean=unclean) == expected


@pytest.mark.parametrize(
    ("before", "live", "shutting_down", "unclean", "expected"),
    [
        (state(1, 1, 2, 3), {2, 3}, {2}, False, (3, (3,), (3,))),
        # The only one in sync is going: nobody, or uncleanly who stays.
        (state(1, 1, 2), {2, 3}, {2}, False, None),
        (state(1, 1, 2), {2, 3}, {2}, True, (3, (3,), (3,))),
        (state(1, 1, 2), {2}, {2}, True, None),
        # An ISR that somebody has emptied by hand: nobody is known to have anything.
        (state(1), {1, 2, 3}, set(), False, None),
        (state(1), {1, 2, 3}, set(), True, (1, (1,), (1, 2, 3))),
    ],
)
def test_offline_passes_over_who_is_shutting_down(
    before: LeaderAndIsr,
    live: set[int],
    shutting_down: set[int],
    unclean: bool,
    expected: tuple[int, tuple[int, ...], tuple[int, ...]] | None,
) -> None:
    result = run(
        Strategy.OFFLINE, before, (1, 2, 3), live, shutting_down=shutting_down, unclean=unclean
    )
    assert result == expected


@pytest.mark.parametrize(
    ("before", "live", "shutting_down", "expected"),
    [
        (state(1, 1, 2, 3), {1, 2, 3}, {1}, (2, (2, 3), (1, 2, 3))),
        (state(1, 1, 2, 3), {1, 2, 3}, {1, 2}, (3, (3,), (1, 2, 3))),
        (state(1, 1, 3), {1, 2, 3}, {1}, (3, (3,), (1, 2, 3))),
        (state(1, 1, 3), {1, 2}, {1}, None),
        (state(1, 1), {1, 2, 3}, {1}, None),
    ],
)
def test_controlled_shutdown(
    before: LeaderAndIsr,
    live: set[int],
    shutting_down: set[int],
    expected: tuple[int, tuple[int, ...], tuple[int, ...]] | None,
) -> None:
    strategy = Strategy.CONTROLLED_SHUTDOWN
    assert run(strategy, before, (1, 2, 3), live, shutting_down=shutting_down) == expected


@pytest.mark.parametrize(
    ("before", "live", "expected"),
    [
        (state(2, 1, 2), {1, 2, 3}, (1, (1, 2), (1, 2, 3))),
        (state(2, 2, 3), {1, 2, 3}, None),  # not in sync
        (state(2, 1, 2), {2, 3}, None),  # not live
        (state(-1, 1, 2), {1}, (1, (1, 2), (1, 2, 3))),  # no leader before: the ISR stays
        (state(-1), {1, 2, 3}, None),
    ],
)
def test_preferred(
    before: LeaderAndIsr,
    live: set[int],
    expected: tuple[int, tuple[int, ...], tuple[int, ...]] | None,
) -> None:
    assert run(Strategy.PREFERRED, before, (1, 2, 3), live) == expected
    # Unclean elections are for partitions without a leader: it makes no difference here.
    assert run(Strategy.PREFERRED, before, (1, 2, 3), live, unclean=True) == expected
    assert run(Strategy.PREFERRED, before, (1, 2, 3), live, shutting_down={1}) is None


def test_nobody_is_preferred_where_nobody_is_assigned() -> None:
    assert run(Strategy.PREFERRED, state(1, 1), (), {1}) is None


@pytest.mark.parametrize(
    ("before", "live", "expected"),
    [
        # 4 and 5 replace 1 and 2; only they may lead, and only they are told.
        (state(1, 1, 2, 4, 5), {1, 2, 4, 5}, (4, (1, 2, 4, 5), (4, 5))),
        (state(1, 1, 2, 5), {1, 2, 4, 5}, (5, (1, 2, 5), (4, 5))),
        (state(1, 1, 2), {1, 2, 4, 5}, None),
        (state(1, 1, 2, 4, 5), {1, 2, 5}, (5, (1, 2, 4, 5), (4, 5))),
        (state(1, 1, 2, 4), {1, 2, 5}, None),  # 4 is in sync and not live, 5 the other way round
    ],
)
def test_reassign(
    before: LeaderAndIsr,
    live: set[int],
    expected: tuple[int, tuple[int, ...], tuple[int, ...]] | None,
) -> None:
    assert run(Strategy.REASSIGN, before, (4, 5, 1, 2), live, removing=(1, 2)) == expected


def test_reassign_passes_over_who_is_shutting_down() -> None:
    before, replicas, live = state(1, 1, 2, 4, 5), (4, 5, 1, 2), {1, 2, 4, 5}
    result = run(Strategy.REASSIGN, before, replicas, live, removing=(1, 2), shutting_down={4})
    assert result == (5, (1, 2, 4, 5), (4, 5))


def test_initial() -> None:
    assert initial_leader_and_isr((3, 1, 2), {1, 2}, 7) == LeaderAndIsr(1, 0, (1, 2), 7, 0)
    assert initial_leader_and_isr((3, 1), {2}, 7) is None


@pytest.mark.long
@given(
    replicas=st.permutations([1, 2, 3]),
    isr=st.sets(st.integers(1, 3), min_size=1),
    live=st.sets(st.integers(1, 3)),
    shutting_down=st.sets(st.integers(1, 3)),
    strategy=st.sampled_from(list(Strategy)),
)
def test_a_clean_election_never_loses_a_record(
    replicas: list[int],
    isr: set[int],
    live: set[int],
    shutting_down: set[int],
    strategy: Strategy,
) -> None:
    before = state(-1, *sorted(isr))
    result = run(strategy, before, tuple(replicas), live, shutting_down=shutting_down)
    if result is not None:
        leader, new_isr, _ = result
        assert leader in isr & live - shutting_down
        assert leader in new_isr
        assert set(new_isr) <= isr
