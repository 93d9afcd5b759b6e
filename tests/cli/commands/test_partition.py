"""`partition` against canned answers. Against a cluster: tests/interop/test_admin_partitions.py."""

from pathlib import Path

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from broker.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)
from broker.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from tests.cli.commands.canned import Canned, invoke, topic

# What the broker says of orders-0: by who asks, at which isolation level, for which end.
OFFSETS = {(-2, 0, -2): 5, (-2, 0, -1): 20, (-1, 0, -1): 18, (-1, 1, -1): 11}


@pytest.fixture(autouse=True)
def partitions(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1, 2], [1]), (1, [1], [1]))]


def elected(*codes: ErrorCode) -> ElectLeadersResponse:
    return ElectLeadersResponse(
        replica_election_results=[
            ReplicaElectionResult(
                topic="orders",
                partition_result=[
                    PartitionResult(partition_id=number, error_code=code)
                    for number, code in enumerate(codes)
                ],
            )
        ]
    )


ALL = ("partition", "elect", "--election-type", "preferred", "--all-topic-partitions")
NONE, NOT_NEEDED = ErrorCode.NONE, ErrorCode.ELECTION_NOT_NEEDED


def test_elect(canned: Canned) -> None:
    canned.answers(ElectLeadersRequest, elected(NONE, NOT_NEEDED))
    done = canned.admin(*ALL)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "Successfully completed leader election (PREFERRED) for partitions orders-0\n"
        "Valid replica already elected for partitions orders-1\n"
    )
    facts = canned.facts(*ALL)["partitions"]
    assert [(each["elected"], each["error"]) for each in facts] == [(True, None), (False, None)]
    assert [(r.election_type, r.topic_partitions) for r in canned.asked(ElectLeadersRequest)] == [
        (0, None),
        (0, None),
    ]


def test_elect_in_part(canned: Canned) -> None:
    canned.answers(
        ElectLeadersRequest, elected(NOT_NEEDED, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)
    )
    partly = canned.admin(*ALL)
    assert partly.exit_code == 3
    assert partly.stderr == "Error: orders-1: PREFERRED_LEADER_NOT_AVAILABLE\n"
    canned.answers(ElectLeadersRequest, elected(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE))
    one = ("partition", "elect", "--election-type", "unclean", "--topic", "orders")
    refused = canned.facts(*one, "--partition", "0", exit_code=1)
    assert refused["partitions"][0]["error"] == "ELIGIBLE_LEADERS_NOT_AVAILABLE"
    assert canned.asked(ElectLeadersRequest)[-1].election_type == 1


def test_elect_what_stands_in_a_file(canned: Canned, tmp_path: Path) -> None:
    canned.answers(ElectLeadersRequest, elected(NONE))
    file = tmp_path / "partitions.json"
    file.write_text('{"partitions": [{"topic": "orders", "partition": 1}]}')
    elect = ("partition", "elect", "--election-type", "PREFERRED", "--path-to-json-file", str(file))
    assert canned.admin(*elect).exit_code == 0
    (request,) = canned.asked(ElectLeadersRequest)
    assert [(t.topic, t.partitions) for t in request.topic_partitions] == [("orders", [1])]
    one = '{"topic": "t", "partition": 1}'
    for text, complaint in (
        ("{", "Expecting property name"),
        ("[]", 'is not {"partitions"'),
        ('{"partitions": [{"topic": "t"}]}', 'is not {"partitions"'),
        (f'{{"partitions": [{one}, {one}]}}', "t-1 twice"),
    ):
        file.write_text(text)
        result = canned.admin(*elect)
        assert result.exit_code == 2
        assert complaint in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--all-topic-partitions"],
        ["--election-type", "preferred"],
        ["--election-type", "other", "--all-topic-partitions"],
        ["--election-type", "preferred", "--topic", "t"],
        ["--election-type", "preferred", "--partition", "0"],
        [
            "--election-type",
            "preferred",
            "--topic",
            "t",
            "--partition",
            "0",
            "--all-topic-partitions",
        ],
    ],
)
def test_wrong_usage_of_elect(arguments: list[str]) -> None:
    assert invoke("partition", "elect", *arguments).exit_code == 2


def offsets(request: ListOffsetsRequest) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=each.name,
                partitions=[
                    ListOffsetsPartitionResponse(
                        partition_index=p.partition_index,
                        offset=OFFSETS[request.replica_id, request.isolation_level, p.timestamp],
                    )
                    for p in each.partitions
                ],
            )
            for each in request.topics
        ]
    )


def log_dirs(request: DescribeLogDirsRequest) -> DescribeLogDirsResponse:
    assert request.topics is not None
    return DescribeLogDirsResponse(
        results=[
            DescribeLogDirsResult(
                log_dir="/data",
                topics=[
                    DescribeLogDirsTopic(
                        name=each.topic,
                        partitions=[
                            DescribeLogDirsPartition(partition_index=number, partition_size=700)
                            for number in each.partitions
                        ],
                    )
                    for each in request.topics
                ],
            )
        ]
    )


def test_replicas(canned: Canned) -> None:
    """Broker 2 is not there: what it has is not known, and that is said."""
    canned.answers(ListOffsetsRequest, offsets)
    canned.answers(DescribeLogDirsRequest, log_dirs)
    partly = canned.admin("partition", "replicas", "orders:0")
    assert partly.exit_code == 3
    assert partly.stderr == "Error: orders-0 on broker 2: BROKER_NOT_AVAILABLE\n"
    assert [line.split() for line in partly.stdout.splitlines()[1:]] == [
        ["orders", "0", "1", "leader", "yes", "5", "20", "0", "18", "11"],
        ["orders", "0", "2", "follower", "no", "-", "-", "-", "-", "-"],
    ]
    wide = canned.admin("partition", "replicas", "orders:1", "-o", "wide")
    assert wide.exit_code == 0
    assert wide.stdout.splitlines()[1].split()[-3:] == ["3", "700", "/data"]
    (facts,) = canned.facts("partition", "replicas", "orders:0", exit_code=3)["partitions"]
    assert (facts["high_watermark"], facts["last_stable_offset"]) == (18, 11)
    assert facts["replicas"][0]["log_dirs"][0]["size_bytes"] == 700
    assert facts["replicas"][1]["error"] == "BROKER_NOT_AVAILABLE"


def test_replicas_of_what_is_not_there(canned: Canned) -> None:
    canned.answers(ListOffsetsRequest, offsets)
    canned.answers(DescribeLogDirsRequest, log_dirs)
    result = canned.admin("partition", "replicas", "orders:1,9", "nothing:0")
    assert result.exit_code == 3
    assert result.stderr == "Error: no topic 'nothing'; no partition orders-9\n"
    assert canned.admin("partition", "replicas", "nothing").exit_code == 1
    assert invoke("partition", "replicas", "orders:x").exit_code == 2
