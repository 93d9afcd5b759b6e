"""`group` deleting, resetting and removing, against canned answers.

Against a cluster: tests/interop/test_admin_groups.py; where to reset to:
tests/cli/client/test_offset_reset.py.
"""

from pathlib import Path

import click
import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)
from broker.wire.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from broker.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from broker.wire.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberResponse,
)
from broker.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopics,
)
from cli.commands.group.times import parse_datetime, parse_duration
from tests.cli.commands.canned import Canned, invoke, topic

STATES = {"g": "Empty", "busy": "Stable"}
NO_ERROR = ErrorCode.NONE


def described(request: DescribeGroupsRequest) -> DescribeGroupsResponse:
    members = [
        DescribedGroupMember(member_id="m-1", client_id="c", client_host="/h"),
        DescribedGroupMember(member_id="m-2", group_instance_id="i-2"),
    ]
    return DescribeGroupsResponse(
        groups=[
            DescribedGroup(
                group_id=name,
                group_state=STATES.get(name, "Dead"),
                protocol_type="consumer",
                members=members if name == "busy" else [],
            )
            for name in request.groups
        ]
    )


def committed(request: OffsetFetchRequest) -> OffsetFetchResponse:
    """`g` has read one record of orders-0."""
    partition = OffsetFetchResponsePartitions(partition_index=0, committed_offset=1)
    topics = [OffsetFetchResponseTopics(name="orders", partitions=[partition])]
    name = request.groups[0].group_id
    return OffsetFetchResponse(
        groups=[OffsetFetchResponseGroup(group_id=name, topics=topics if name == "g" else [])]
    )


def ends(request: ListOffsetsRequest) -> ListOffsetsResponse:
    """Every log reaches from 0 to 9."""
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=each.name,
                partitions=[
                    ListOffsetsPartitionResponse(
                        partition_index=p.partition_index, offset=9 if p.timestamp == -1 else 0
                    )
                    for p in each.partitions
                ],
            )
            for each in request.topics
        ]
    )


def commit(code: ErrorCode = NO_ERROR) -> object:
    """Refuses orders-1, if there is a code."""
    return lambda request: OffsetCommitResponse(
        topics=[
            OffsetCommitResponseTopic(
                name=each.name,
                partitions=[
                    OffsetCommitResponsePartition(
                        partition_index=p.partition_index,
                        error_code=code if p.partition_index else NO_ERROR,
                    )
                    for p in each.partitions
                ],
            )
            for each in request.topics
        ]
    )


@pytest.fixture(autouse=True)
def groups(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1], [1]), (1, [1], [1]))]
    canned.answers(DescribeGroupsRequest, described)
    canned.answers(OffsetFetchRequest, committed)
    canned.answers(ListOffsetsRequest, ends)
    canned.answers(OffsetCommitRequest, commit())


def test_delete(canned: Canned) -> None:
    def delete(request: DeleteGroupsRequest) -> DeleteGroupsResponse:
        code = ErrorCode.NON_EMPTY_GROUP if request.groups_names == ["busy"] else NO_ERROR
        return DeleteGroupsResponse(
            results=[DeletableGroupResult(group_id=request.groups_names[0], error_code=code)]
        )

    canned.answers(DeleteGroupsRequest, delete)
    assert canned.admin("group", "delete", "g").stdout == "Deleted group g.\n"
    partly = canned.admin("group", "delete", "g", "--group", "busy")
    assert partly.exit_code == 3
    assert partly.stderr == "Error: group 'busy': NON_EMPTY_GROUP\n"
    canned.answers(
        FindCoordinatorRequest,
        lambda _: FindCoordinatorResponse(
            coordinators=[Coordinator(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)]
        ),
    )
    forbidden = canned.admin("group", "delete", "g")
    assert forbidden.stderr == "Error: group 'g': GROUP_AUTHORIZATION_FAILED\n"
    canned.script_the_usual()
    facts = canned.facts("group", "delete", "busy", exit_code=1)
    assert facts["groups"] == [{"group": "busy", "error": "NON_EMPTY_GROUP", "message": None}]


def test_delete_offsets(canned: Canned) -> None:
    def delete(request: OffsetDeleteRequest) -> OffsetDeleteResponse:
        if request.group_id != "g":
            return OffsetDeleteResponse(error_code=ErrorCode.GROUP_ID_NOT_FOUND)
        reads = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
        return OffsetDeleteResponse(
            topics=[
                OffsetDeleteResponseTopic(
                    name=each.name,
                    partitions=[
                        OffsetDeleteResponsePartition(
                            partition_index=p.partition_index,
                            error_code=reads if p.partition_index else NO_ERROR,
                        )
                        for p in each.partitions
                    ],
                )
                for each in request.topics
            ]
        )

    canned.answers(OffsetDeleteRequest, delete)
    one = canned.admin("group", "delete-offsets", "g", "--topic", "orders:0")
    assert one.exit_code == 0
    assert [line.split() for line in one.stdout.splitlines()] == [
        ["TOPIC", "PARTITION", "STATUS"],
        ["orders", "0", "Successful"],
    ]
    partly = canned.admin("group", "delete-offsets", "g", "--topic", "orders")
    assert partly.exit_code == 3
    assert partly.stderr == "Error: orders-1: GROUP_SUBSCRIBED_TO_TOPIC\n"
    facts = canned.facts("group", "delete-offsets", "g", "--topic", "orders", exit_code=3)
    assert [each["error"] for each in facts["offsets"]] == [None, "GROUP_SUBSCRIBED_TO_TOPIC"]
    nobody = canned.admin("group", "delete-offsets", "nobody", "--topic", "orders:0")
    assert (nobody.exit_code, nobody.stderr) == (1, "Error: group 'nobody': GROUP_ID_NOT_FOUND\n")
    nothing = canned.admin("group", "delete-offsets", "g", "--topic", "nothing")
    assert nothing.stderr == "Error: topic 'nothing': UNKNOWN_TOPIC_OR_PARTITION\n"


RESET = ("group", "reset-offsets", "g", "--topic", "orders")


def test_reset_is_a_dry_run_by_itself(canned: Canned) -> None:
    dry = canned.admin(*RESET, "--to-latest")
    assert dry.exit_code == 0
    assert [line.split() for line in dry.stdout.splitlines()] == [
        ["GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"],
        ["g", "orders", "0", "9"],
        ["g", "orders", "1", "9"],
    ]
    assert dry.stderr == "a dry run: nothing was changed; --execute does it\n"
    assert canned.facts(*RESET, "--to-latest", "--dry-run") == {
        "v": 1,
        "executed": False,
        "groups": [
            {
                "group": "g",
                "state": "Empty",
                "offsets": [
                    {
                        "topic": "orders",
                        "partition": number,
                        "current_offset": now,
                        "new_offset": 9,
                        "error": None,
                    }
                    for number, now in ((0, 1), (1, None))
                ],
            }
        ],
    }
    assert canned.asked(OffsetCommitRequest) == []


def test_reset_executed(canned: Canned) -> None:
    done = canned.admin(*RESET, "--to-latest", "--execute")
    assert (done.exit_code, done.stderr) == (0, "")
    (request,) = canned.asked(OffsetCommitRequest)
    assert (request.generation_id_or_member_epoch, request.member_id) == (-1, "")
    assert [p.committed_offset for p in request.topics[0].partitions] == [9, 9]

    canned.answers(OffsetCommitRequest, commit(ErrorCode.TOPIC_AUTHORIZATION_FAILED))
    partly = canned.admin(*RESET, "--to-latest", "--execute")
    assert partly.exit_code == 3
    assert partly.stderr == "Error: group 'g', orders-1: TOPIC_AUTHORIZATION_FAILED\n"


def test_a_group_that_is_in_use_is_left_alone(canned: Canned) -> None:
    refused = canned.admin(
        "group", "reset-offsets", "busy", "--topic", "orders", "--to-latest", "--execute"
    )
    assert refused.exit_code == 1
    assert refused.stderr == "Error: group 'busy' is not inactive but Stable\n"
    both = canned.admin(
        "group", "reset-offsets", "g", "busy", "--all-topics", "--to-earliest", "--execute"
    )
    assert both.exit_code == 3
    assert [request.group_id for request in canned.asked(OffsetCommitRequest)] == ["g"]


def test_a_group_that_cannot_be_planned_leaves_none_half_reset(canned: Canned) -> None:
    refused = canned.admin(
        "group", "reset-offsets", "g", "new", "--topic", "orders:0", "--shift-by", "1", "--execute"
    )
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert canned.asked(OffsetCommitRequest) == []


def test_a_group_without_offsets_has_nothing_to_reset(canned: Canned) -> None:
    result = canned.admin("group", "reset-offsets", "new", "--all-topics", "--to-earliest")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[0] == "Warning: group 'new' has nothing to reset"


def test_a_plan_is_exported_and_read_again(canned: Canned, tmp_path: Path) -> None:
    exported = canned.admin(*RESET, "--shift-by", "3", "--topic", "orders:0", "--export")
    assert exported.stderr.startswith("Error: orders-1 can't be shifted")
    exported = canned.admin(*RESET[:3], "--topic", "orders:0", "--shift-by", "3", "--export")
    assert exported.stdout == "orders,0,4\n"
    file = tmp_path / "plan.csv"
    file.write_text(exported.stdout)
    canned.admin(*RESET[:3], "--from-file", str(file), "--execute")
    (request,) = canned.asked(OffsetCommitRequest)
    assert [p.committed_offset for p in request.topics[0].partitions] == [4]

    several = canned.admin(*RESET, "--group", "h", "--to-earliest", "--export")
    assert several.stdout == "g,orders,0,0\ng,orders,1,0\nh,orders,0,0\nh,orders,1,0\n"
    file.write_text(several.stdout)
    plans = canned.facts(*RESET[:3], "h", "--from-file", str(file))["groups"]
    assert [len(each["offsets"]) for each in plans] == [2, 2]


def test_a_plan_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    file.write_text("orders,0,1\n\norders,x,1\n")
    result = invoke(*RESET[:3], "--from-file", str(file))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith(
        f"{file}:3: 'g,orders,x,1' is not TOPIC,PARTITION,OFFSET"
    )


def test_remove_members(canned: Canned) -> None:
    def leave(request: LeaveGroupRequest) -> LeaveGroupResponse:
        unknown = ErrorCode.UNKNOWN_MEMBER_ID
        return LeaveGroupResponse(
            members=[
                MemberResponse(
                    member_id=each.member_id,
                    group_instance_id=each.group_instance_id,
                    error_code=unknown if each.member_id == "gone" else NO_ERROR,
                )
                for each in request.members
            ]
        )

    canned.answers(LeaveGroupRequest, leave)
    assert canned.admin("group", "remove-members", "busy", "--all").stdout == (
        "Removed member m-1 from group busy.\nRemoved member i-2 from group busy.\n"
    )
    (request,) = canned.asked(LeaveGroupRequest)
    assert [(each.member_id, each.group_instance_id) for each in request.members] == [
        ("m-1", None),
        ("", "i-2"),
    ]
    partly = canned.admin("group", "remove-members", "busy", "--member", "gone", "--instance", "i")
    assert partly.exit_code == 3
    assert partly.stderr == "Error: member 'gone': UNKNOWN_MEMBER_ID\n"
    facts = canned.facts("group", "remove-members", "busy", "--member", "gone", exit_code=1)
    assert facts["members"][0]["error"] == "UNKNOWN_MEMBER_ID"
    assert canned.admin("group", "remove-members", "g", "--all").exit_code == 0
    nobody = canned.admin("group", "remove-members", "nobody", "--all")
    assert (nobody.exit_code, nobody.stderr) == (1, "Error: no group 'nobody'\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("delete",), "give the GROUPs to delete"),
        (("delete-offsets", "--topic", "t"), "give one GROUP"),
        (("delete-offsets", "g", "h", "--topic", "t"), "give one GROUP"),
        (("delete-offsets", "g"), "Missing option '--topic'"),
        (("delete-offsets", "g", "--topic", "t:"), "'t:' is not TOPIC or TOPIC:0,2"),
        (("delete-offsets", "g", "--topic", "t:-1"), "'t:-1' is not TOPIC or TOPIC:0,2"),
        (("remove-members", "g"), "give --member or --instance, or --all"),
        (("remove-members", "g", "--member", "m", "--all"), "give --member or --instance, or"),
        (("reset-offsets", "--to-latest", "--all-topics"), "give the GROUPs"),
        (("reset-offsets", "g", "--all-topics"), "say where to, in one way"),
        (("reset-offsets", "g", "--all-topics", "--to-latest", "--to-offset", "0"), "in one way"),
        (("reset-offsets", "g", "--to-latest"), "give --topic or --all-topics"),
        (("reset-offsets", "g", "--to-latest", "--topic", "t", "--all-topics"), "give --topic or"),
        (("reset-offsets", "g", "--from-file", __file__, "--all-topics"), "the file says which"),
        (
            ("reset-offsets", "g", "--to-latest", "--all-topics", "--execute", "--dry-run"),
            "--dry-run excludes --execute",
        ),
        (
            ("reset-offsets", "g", "--to-latest", "--all-topics", "--export", "-o", "json"),
            "--export prints CSV",
        ),
        (("reset-offsets", "g", "--all-topics", "--to-datetime", "now"), "'now' is not a time"),
        (("reset-offsets", "g", "--all-topics", "--by-duration", "1h"), "'1h' is not a duration"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke("group", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]


def test_times() -> None:
    assert parse_datetime("1970-01-01T00:00:01.5") == 1500
    assert parse_datetime("1970-01-01T01:00:00+01:00") == 0
    assert parse_datetime("1970-01-01T00:00:02Z") == 2000
    assert parse_datetime("1969-12-31T00:00:00") == 0  # -1 would be another question


def test_a_span_that_reaches_beyond_all_time(canned: Canned) -> None:
    assert canned.admin(*RESET, "--by-duration", "P36500D").exit_code == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("P1D", 86_400), ("PT1H30M", 5_400), ("P1DT0.5S", 86_400.5), ("pt1s", 1)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds * 1000


@pytest.mark.parametrize("text", ["", "P", "PT", "1D", "P1M", "P1H", "PT1D", "-P1D"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration"):
        parse_duration(text)
