"""The pure group: votes, leaders, instance ids."""

import pytest

from broker.groups.group import Group
from broker.groups.group_states import PREPARING_REBALANCE
from broker.groups.member import JoinResult, Member
from broker.wire.errors import ErrorCode, KafkaError


class Answers(list[JoinResult]):
    """A ticket that keeps what it is told."""

    def answer(self, result: JoinResult) -> None:
        self.append(result)


def member(name: str, *protocols: str, instance: str | None = None) -> Member:
    return Member(
        member_id=name,
        group_instance_id=instance,
        client_id="c",
        client_host="/127.0.0.1",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=len(name) * 1_000,
        protocol_type="consumer",
        protocols=tuple((protocol, protocol.encode()) for protocol in protocols or ("range",)),
    )


def group_of(*members: Member) -> Group:
    group = Group("g", state_since_ms=0, state=PREPARING_REBALANCE)
    for each in members:
        group.add(each)
    return group


@pytest.mark.parametrize(
    ("offers", "selected"),
    [
        (["a"], "a"),
        (["ab", "ba", "ba"], "b"),
        (["ab", "ba"], "a"),
        (["cab", "bac", "ba"], "b"),
        (["xab", "xba", "ab"], "a"),
    ],
)
def test_the_protocol_with_most_votes_among_those_of_all(offers: list[str], selected: str) -> None:
    group = group_of(*(member(f"m{i}", *offer) for i, offer in enumerate(offers)))
    assert group.select_protocol() == selected


def test_who_can_be_a_member_with_the_others() -> None:
    group = group_of(member("m1", "a", "b"), member("m2", "b", "c"))
    assert group.supports("consumer", (("b", b""),))
    assert not group.supports("consumer", (("a", b""), ("c", b"")))
    assert not group.supports("connect", (("b", b""),))
    assert not group.supports("consumer", ())


def test_the_first_member_leads_and_is_succeeded() -> None:
    group = group_of(member("m1"), member("m2"))
    assert group.leader_id == "m1"
    group.remove("m1")
    assert group.leader_id == "m2"
    group.remove("m2")
    assert group.leader_id is None


def test_only_who_has_joined_can_lead_the_next_generation() -> None:
    late, joined = member("late"), member("joined")
    group = group_of(late, joined)
    assert not group.elect_joined_leader()
    joined.wait_for_join(Answers())
    assert group.elect_joined_leader()
    assert group.leader_id == "joined"


def test_a_round_waits_for_members_and_pending_ones() -> None:
    first = member("m1")
    group = group_of(first)
    assert not group.all_have_joined
    first.wait_for_join(Answers())
    assert group.all_have_joined
    group.pending_members.add("m2")
    assert not group.all_have_joined


def test_the_round_is_as_patient_as_the_most_patient_member() -> None:
    assert group_of(member("m"), member("mmm"), member("mm")).rebalance_timeout_ms == 3_000
    assert group_of().rebalance_timeout_ms == 0


def test_a_static_member_is_replaced_in_place() -> None:
    static = member("old", instance="i")
    waiting = Answers()
    static.wait_for_join(waiting)
    group = group_of(static, member("other"))
    group.replace_static_member("old", "new")
    assert [answer.error for answer in waiting] == [ErrorCode.FENCED_INSTANCE_ID]
    assert (group.leader_id, group.static_members) == ("new", {"i": "new"})
    assert group.member_for("new", "i") is static
    with pytest.raises(KafkaError) as fenced:
        group.member_for("old", "i")
    assert fenced.value.code is ErrorCode.FENCED_INSTANCE_ID
    with pytest.raises(KafkaError) as unknown:
        group.member_for("new", "another")
    assert unknown.value.code is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_ticket_is_answered_once() -> None:
    first, second = Answers(), Answers()
    m = member("m")
    m.wait_for_join(first)
    m.wait_for_join(second)
    m.answer_join(JoinResult(ErrorCode.NONE, "m"))
    m.answer_join(JoinResult(ErrorCode.NONE, "m"))
    assert [a.error for a in first] == [ErrorCode.REBALANCE_IN_PROGRESS]
    assert [a.error for a in second] == [ErrorCode.NONE]


def test_the_topics_that_consumers_subscribe_to() -> None:
    no_user_data = b"\xff\xff\xff\xff"
    subscription = b"\0\1" + b"\0\0\0\2" + b"\0\1t" + b"\0\2t2" + no_user_data + b"what is new"
    group = group_of(member("m1"), member("m2"))
    group.members["m1"].protocols = (("range", subscription),)
    group.members["m2"].protocols = (("range", b"\0\0\0\0\0\0" + no_user_data),)
    group.next_generation()
    assert group.subscribed_topics == {"t", "t2"}
    group.members["m2"].protocols = (("range", b"\0\0\0"),)
    group.next_generation()
    assert group.subscribed_topics is None
