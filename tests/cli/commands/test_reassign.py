"""`partition reassign` against canned answers.

On a cluster: tests/interop/test_admin_reassign.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)
from broker.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)
from broker.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from broker.wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from broker.wire.messages.incremental_alter_configs import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)
from cli.client.reassignments import Reassignment
from cli.client.replication_throttles import Move
from cli.commands.failure import Exit
from cli.commands.partition.reassign import log_dir_moves
from cli.commands.partition.reassign.execute import moves_of
from cli.commands.partition.reassign.plan import BadPlan, Plan, parse_plan
from coordination.values import TopicPartition
from tests.cli.commands.canned import Canned, invoke, topic

ZERO, ONE = TopicPartition("orders", 0), TopicPartition("orders", 1)


def plan_text(*partitions: tuple[int, list[int]], **more: Any) -> str:
    return json.dumps(
        {
            "version": 1,
            "partitions": [
                {"topic": "orders", "partition": number, "replicas": replicas, **more}
                for number, replicas in partitions
            ],
        }
    )


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """orders-0 moves from 1,2 to 2,3."""
    file = tmp_path / "plan.json"
    file.write_text(plan_text((0, [2, 3])))
    return file


def altered(request: AlterPartitionReassignmentsRequest) -> AlterPartitionReassignmentsResponse:
    """orders-1 is refused."""
    refused = ErrorCode.INVALID_REPLICA_ASSIGNMENT
    return AlterPartitionReassignmentsResponse(
        responses=[
            ReassignableTopicResponse(
                name=each.name,
                partitions=[
                    ReassignablePartitionResponse(
                        partition_index=p.partition_index,
                        error_code=refused if p.partition_index else ErrorCode.NONE,
                        error_message="why" if p.partition_index else None,
                    )
                    for p in each.partitions
                ],
            )
            for each in request.topics
        ]
    )


def configured(request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse:
    return IncrementalAlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                resource_type=each.resource_type, resource_name=each.resource_name
            )
            for each in request.resources
        ]
    )


@pytest.fixture(autouse=True)
def ensemble(canned: Canned) -> None:
    canned.broker_ids = (1, 2, 3)
    canned.topics = [topic("orders", (1, [1, 2], [1, 2]), (1, [1, 2], [1, 2]))]
    canned.answers(AlterPartitionReassignmentsRequest, altered)
    canned.answers(IncrementalAlterConfigsRequest, configured)
    here = canned.broker.address
    canned.answers(
        DescribeClusterRequest,
        DescribeClusterResponse(
            brokers=[
                DescribeClusterBroker(broker_id=each, host=here.host, port=here.port)
                for each in (1, 2, 3)
            ]
        ),
    )


def moving(canned: Canned) -> None:
    """orders-0 is being moved."""
    canned.answers(
        ListPartitionReassignmentsRequest,
        ListPartitionReassignmentsResponse(
            topics=[
                OngoingTopicReassignment(
                    name="orders",
                    partitions=[
                        OngoingPartitionReassignment(
                            replicas=[2, 3, 1], adding_replicas=[3], removing_replicas=[1]
                        )
                    ],
                )
            ]
        ),
    )


REASSIGN = ("partition", "reassign")
FILE = "--reassignment-json-file"


def test_list(canned: Canned) -> None:
    assert canned.admin(*REASSIGN, "list").stdout == "No partition reassignments found.\n"
    moving(canned)
    assert canned.admin(*REASSIGN, "list").stdout == (
        "Current partition reassignments:\n"
        "orders-0: replicas: 2,3,1. adding: 3. removing: 1.\n"
    )  # fmt: skip
    assert canned.facts(*REASSIGN, "list")["reassignments"][0]["adding_replicas"] == [3]


def test_generate(canned: Canned, tmp_path: Path) -> None:
    said = canned.admin(*REASSIGN, "generate", "orders", "--broker-list", "2,3").stdout
    lines = said.splitlines()
    assert (lines[0], lines[3]) == (
        "Current partition replica assignment",
        "Proposed partition reassignment configuration",
    )
    assert parse_plan(lines[1]).replicas == {ZERO: (1, 2), ONE: (1, 2)}
    proposed = parse_plan(lines[4]).replicas
    assert {frozenset(each) for each in proposed.values()} == {frozenset({2, 3})}
    assert proposed[ZERO][0] != proposed[ONE][0], "each leads one"

    file = tmp_path / "topics.json"
    file.write_text('{"version": 1, "topics": [{"topic": "orders"}]}')
    from_file = ("generate", "--topics-to-move-json-file", str(file), "--broker-list", "2,3")
    assert len(canned.facts(*REASSIGN, *from_file)["proposed"]["partitions"]) == 2

    for brokers, complaint in (
        ("3,9", "Error: not alive: broker 9\n"),
        ("3", "Error: topic 'orders': Replication factor: 2 larger than available brokers: 1.\n"),
    ):
        refused = canned.admin(*REASSIGN, "generate", "orders", "--broker-list", brokers)
        assert (refused.exit_code, refused.stderr) == (1, complaint)
    missing = canned.admin(*REASSIGN, "generate", "nothing", "--broker-list", "1,2")
    assert missing.stderr == "Error: no topic 'nothing'\n"


def test_execute(canned: Canned, plan: Path) -> None:
    done = canned.admin(*REASSIGN, "execute", FILE, str(plan))
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert parse_plan(lines[2]).replicas == {ZERO: (1, 2)}, "for the way back"
    assert lines[-1] == "Successfully started partition reassignment for orders-0"
    (request,) = canned.asked(AlterPartitionReassignmentsRequest)
    assert request.topics[0].partitions[0].replicas == [2, 3]
    assert canned.asked(IncrementalAlterConfigsRequest) == []


def test_execute_in_part(canned: Canned, plan: Path) -> None:
    plan.write_text(plan_text((0, [2, 3]), (1, [3, 2])))
    partly = canned.admin(*REASSIGN, "execute", FILE, str(plan))
    assert partly.exit_code == 3
    assert partly.stderr == "Error: orders-1: INVALID_REPLICA_ASSIGNMENT: why\n"
    facts = canned.facts(*REASSIGN, "execute", FILE, str(plan), exit_code=3)
    assert [each["error"] for each in facts["partitions"]] == [None, "INVALID_REPLICA_ASSIGNMENT"]


def test_the_way_back_is_told_if_it_is_interrupted(
    canned: Canned, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else knows any more which replicas there were."""
    executed = canned.admin(*REASSIGN, "execute", FILE, str(plan))

    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.commands.partition.reassign.execute.start_moves", interrupted)
    result = canned.admin(*REASSIGN, "execute", FILE, str(plan))
    assert (result.exit_code, result.stdout) == (Exit.INTERRUPTED, "")
    assert result.stderr.splitlines()[:5] == executed.stdout.splitlines()[:5]
    assert "interrupted: answered: AlterPartitionReassignments" in result.stderr.splitlines()[-1]


def test_execute_looks_before_it_begins(canned: Canned, plan: Path) -> None:
    for text, complaint in (
        (plan_text((0, [2, 9])), "Error: not alive: broker 9\n"),
        (plan_text((7, [2, 3])), "Error: no partition orders-7\n"),
    ):
        plan.write_text(text)
        refused = canned.admin(*REASSIGN, "execute", FILE, str(plan), "--throttle", "1")
        assert (refused.exit_code, refused.stderr) == (1, complaint)
    plan.write_text(plan_text((0, [2, 3])))
    moving(canned)
    busy = canned.admin(*REASSIGN, "execute", FILE, str(plan))
    assert busy.exit_code == 1
    assert "1 partitions are being moved" in busy.stderr
    assert canned.asked(AlterPartitionReassignmentsRequest) == []
    assert canned.asked(IncrementalAlterConfigsRequest) == []
    assert canned.admin(*REASSIGN, "execute", FILE, str(plan), "--additional").exit_code == 0


def test_throttles_are_set_before_anything_moves(canned: Canned, plan: Path) -> None:
    done = canned.admin(*REASSIGN, "execute", FILE, str(plan), "--throttle", "5000")
    assert done.exit_code == 0
    assert "run it now and then" in done.stderr
    kinds = [type(each).__name__ for each in canned.broker.requests]
    first = kinds.index("AlterPartitionReassignmentsRequest")
    assert "IncrementalAlterConfigsRequest" not in kinds[first:]
    changes = {
        (each.resource_name, config.name): config.value
        for request in canned.asked(IncrementalAlterConfigsRequest)
        for each in request.resources
        for config in each.configs
    }
    assert changes[("orders", "leader.replication.throttled.replicas")] == "0:1,0:2"
    assert changes[("orders", "follower.replication.throttled.replicas")] == "0:3"
    assert {changes[(each, "leader.replication.throttled.rate")] for each in "123"} == {"5000"}


def test_a_throttle_that_is_refused_moves_nothing(canned: Canned, plan: Path) -> None:
    refused = AlterConfigsResourceResponse(
        error_code=ErrorCode.INVALID_CONFIG, resource_type=2, resource_name="orders"
    )
    canned.answers(
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse(responses=[refused])
    )
    result = canned.admin(*REASSIGN, "execute", FILE, str(plan), "--throttle", "5000")
    assert result.exit_code == 1
    assert "topic 'orders': INVALID_CONFIG" in result.stderr
    assert canned.asked(AlterPartitionReassignmentsRequest) == []


def test_what_moves_already_stays_held_back() -> None:
    ongoing = {ONE: Reassignment((1, 2, 3), (3,), (1,))}
    moves = moves_of(Plan({ZERO: (2, 3), ONE: (3, 4)}), {ZERO: (1, 2), ONE: (1, 2, 3)}, ongoing)
    assert moves == {
        ZERO: Move(frozenset({1, 2}), frozenset({3})),
        ONE: Move(frozenset({1, 2}), frozenset({3, 4})),
    }


def test_verify(canned: Canned, plan: Path) -> None:
    moving(canned)
    going = canned.admin(*REASSIGN, "verify", FILE, str(plan))
    assert going.exit_code == 4
    assert going.stdout == (
        "Status of partition reassignment:\n"
        "Reassignment of partition orders-0 is still in progress.\n"
    )  # fmt: skip
    assert canned.asked(IncrementalAlterConfigsRequest) == [], "throttles stay meanwhile"

    canned.answers(ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse())
    facts = canned.facts(*REASSIGN, "verify", FILE, str(plan), "--preserve-throttles", exit_code=4)
    assert facts["partitions"][0]["state"] == "different"
    canned.topics = [topic("orders", (2, [2, 3], [2, 3]))]
    done = canned.admin(*REASSIGN, "verify", FILE, str(plan))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "Reassignment of partition orders-0 is completed.",
        "Clearing broker-level throttles on brokers 1,2,3",
        "Clearing topic-level throttles on topic orders",
    ]
    assert len(canned.asked(IncrementalAlterConfigsRequest)) == 4


def test_cancel(canned: Canned, plan: Path) -> None:
    nothing = canned.admin(*REASSIGN, "cancel", FILE, str(plan), "--preserve-throttles")
    assert nothing.stdout.startswith("None of the specified partition reassignments are active.")
    moving(canned)
    done = canned.admin(*REASSIGN, "cancel", FILE, str(plan))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == (
        "Successfully cancelled partition reassignment for: orders-0"
    )
    (request,) = canned.asked(AlterPartitionReassignmentsRequest)
    assert request.topics[0].partitions[0].replicas is None
    assert canned.facts(*REASSIGN, "cancel", FILE, str(plan))["throttles_cleared"] is True


def lying(*log_dirs: tuple[str, bool]) -> DescribeLogDirsResponse:
    """orders-0 in these directories, as a future replica or not."""
    return DescribeLogDirsResponse(
        results=[
            DescribeLogDirsResult(
                log_dir=path,
                topics=[
                    DescribeLogDirsTopic(
                        name="orders", partitions=[DescribeLogDirsPartition(is_future_key=future)]
                    )
                ],
            )
            for path, future in log_dirs
        ]
    )


def test_log_dirs_of_a_plan(canned: Canned, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_dir_moves, "RETRY_SECONDS", 0.01)
    plan.write_text(plan_text((0, [2, 3]), log_dirs=["any", "/b"]))
    codes = [ErrorCode.REPLICA_NOT_AVAILABLE, ErrorCode.NONE]
    canned.answers(
        AlterReplicaLogDirsRequest,
        lambda _: AlterReplicaLogDirsResponse(
            results=[
                AlterReplicaLogDirTopicResult(
                    topic_name="orders",
                    partitions=[AlterReplicaLogDirPartitionResult(error_code=codes.pop(0))],
                )
            ]
        ),
    )
    done = canned.admin(*REASSIGN, "execute", FILE, str(plan))
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == (
        "Successfully started moving log directory to /b for replica orders-0 with broker 3"
    )
    assert len(canned.asked(AlterReplicaLogDirsRequest)) == 2, "asked until the replica was there"

    canned.topics = [topic("orders", (2, [2, 3], [2, 3]))]
    for directories, words, exit_code in (
        ([("/a", False), ("/b", True)], "is still in progress", 4),
        ([("/a", False), ("/c", True)], "is being moved to /c instead", 4),
        ([("/a", False)], "is not being moved from log dir /a to /b", 4),
        ([], "is not found in any live log dir", 4),
        ([("/b", False)], "completed successfully", 0),
    ):
        canned.answers(DescribeLogDirsRequest, lying(*directories))
        facts = canned.facts(*REASSIGN, "verify", FILE, str(plan), exit_code=exit_code)
        assert facts["log_dirs"][0]["state"] == words

    codes.append(ErrorCode.NONE)
    canned.answers(DescribeLogDirsRequest, lying(("/a", False), ("/b", True)))
    cancelled = canned.admin(*REASSIGN, "cancel", FILE, str(plan), "--preserve-throttles")
    assert "Successfully cancelled the move of replica orders-0 on broker 3" in cancelled.stdout
    assert canned.asked(AlterReplicaLogDirsRequest)[-1].dirs[0].path == "/a"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "Expecting property name"),
        ("[]", 'it is not {"version": 1'),
        ('{"partitions": []}', "no partitions in it"),
        ('{"version": 2, "partitions": [{}]}', "version 2 is not 1"),
        ('{"partitions": [{"topic": "t"}]}', 'is not {"topic": .., "partition": ..'),
        ('{"partitions": ["t-0"]}', '"t-0" is not {"topic"'),
        (plan_text((0, [])), "orders-0 has no replicas"),
        (plan_text((0, [1, 1])), "orders-0 names a broker twice"),
        (plan_text((0, [1]), (0, [2])), "orders-0 is named twice"),
        (plan_text((0, [1, 2]), log_dirs=["any"]), "2 replicas and 1 log_dirs"),
    ],
)
def test_bad_plans(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(BadPlan, match=complaint.replace("[", r"\[").replace("{", r"\{")):
        parse_plan(text)
    file = tmp_path / "plan.json"
    file.write_text(text)
    result = invoke(*REASSIGN, "verify", FILE, str(file))
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("generate", "t"), "Missing option '--broker-list'"),
        (("generate", "--broker-list", "1"), "give TOPICs, or"),
        (("generate", "t", "--broker-list", "1,x"), "'1,x' is not a list of broker ids"),
        (("generate", "t", "--broker-list", "1,1"), "names a broker twice"),
        (("execute",), "Missing option '--reassignment-json-file'"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke(*REASSIGN, *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]
