"""`topic` against canned answers: its words, its JSON, its exit codes.

Against a cluster, and beside Kafka's tool: tests/interop/test_admin.py.
"""

import attrs
import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopicResult,
)
from broker.wire.messages.create_topics import (
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from broker.wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
)
from broker.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)
from broker.wire.messages.metadata import MetadataRequest
from tests.cli.commands.canned import Canned, topic
from tests.support.fake_broker import SILENT

DEFAULT, TOPIC = 5, 1  # where a config comes from


@pytest.fixture(autouse=True)
def topics(canned: Canned) -> None:
    canned.topics = [
        topic("orders", (1, [1, 2], [1, 2]), (None, [2, 1], [2]), (1, [1, 3], [1])),
        topic("payments", (1, [1], [1])),
    ]
    canned.configs = {
        "orders": [("min.insync.replicas", "2", TOPIC), ("retention.ms", "7", DEFAULT)],
        "payments": [("min.insync.replicas", "1", DEFAULT)],
    }


def test_list(canned: Canned) -> None:
    assert canned.admin("topic", "list").stdout == "orders\npayments\n"
    table = canned.admin("topic", "list", "-o", "table").stdout.splitlines()
    assert [line.split() for line in table] == [
        ["TOPIC", "PARTITIONS", "REPLICATION-FACTOR", "INTERNAL"],
        ["orders", "3", "2", "no"],
        ["payments", "1", "1", "no"],
    ]
    assert canned.admin("topic", "list", "-o", "wide").stdout.count("AAAAAAAAAAAAAAAAAAAABw") == 2
    assert [each["name"] for each in canned.facts("topic", "list")["topics"]] == [
        "orders",
        "payments",
    ]


def test_describe(canned: Canned) -> None:
    described = canned.admin("topic", "describe", "orders").stdout.splitlines()
    assert described[0].endswith(
        "PartitionCount: 3\tReplicationFactor: 2\tConfigs: min.insync.replicas=2"
    )
    assert "\tPartition: 1\tLeader: none\tReplicas: 2,1\tIsr: 2\tElr" in described[2]
    wide = canned.admin("topic", "describe", "orders", "-o", "wide").stdout.splitlines()
    assert wide[2].split() == ["orders", "1", "none", "3", "2,1", "2", "-", "-", "-", "2"]
    facts = canned.facts("topic", "describe", "orders")["topics"][0]
    assert facts["configs"] == {"min.insync.replicas": "2"}
    assert [each["under_replicated"] for each in facts["partitions"]] == [False, True, True]


@pytest.mark.parametrize(
    ("flag", "partitions"),
    [
        ("--under-replicated-partitions", ["orders-1", "orders-2"]),
        ("--unavailable-partitions", ["orders-1"]),
        ("--under-min-isr-partitions", ["orders-1", "orders-2"]),
        ("--at-min-isr-partitions", ["orders-0", "payments-0"]),
    ],
)
def test_the_filters_of_describe(canned: Canned, flag: str, partitions: list[str]) -> None:
    shown = canned.facts("topic", "describe", flag)["topics"]
    assert [
        f"{each['name']}-{partition['partition']}"
        for each in shown
        for partition in each["partitions"]
    ] == partitions
    text = canned.admin("topic", "describe", flag).stdout
    assert "PartitionCount" not in text
    assert text.count("\n") == len(partitions)


def test_topics_with_overrides(canned: Canned) -> None:
    text = canned.admin("topic", "describe", "--topics-with-overrides").stdout
    assert text.count("\n") == 1
    assert text.startswith("Topic: orders\t")
    wrong = canned.admin("topic", "describe", "--topics-with-overrides", "--unavailable-partitions")
    assert wrong.exit_code == 2


def test_a_partition_that_is_moved(canned: Canned) -> None:
    """It has a replica too many for a while: that is not its replication factor."""
    canned.topics = [topic("orders", (1, [1, 2, 3], [1, 2]))]
    canned.answers(
        ListPartitionReassignmentsRequest,
        ListPartitionReassignmentsResponse(
            topics=[
                OngoingTopicReassignment(
                    name="orders",
                    partitions=[
                        OngoingPartitionReassignment(
                            replicas=[1, 2, 3], adding_replicas=[3], removing_replicas=[1]
                        )
                    ],
                )
            ]
        ),
    )
    head, line = canned.admin("topic", "describe", "orders").stdout.splitlines()
    assert "\tReplicationFactor: 2\t" in head
    assert "\tIsr: 1,2\tAdding Replicas: 3\tRemoving Replicas: 1\tElr: N/A" in line
    facts = canned.facts("topic", "describe", "orders")["topics"][0]["partitions"][0]
    assert (facts["adding_replicas"], facts["removing_replicas"]) == ([3], [1])
    assert facts["under_replicated"] is False


def test_without_a_controller_the_rest_is_shown(canned: Canned) -> None:
    metadata = canned.broker.script[MetadataRequest]

    def nobody_leads(request: MetadataRequest) -> object:
        return attrs.evolve(metadata(request), controller_id=-1)

    canned.answers(MetadataRequest, nobody_leads)
    result = canned.admin("topic", "describe", "orders", "--timeout", "5")
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 4


def test_topics_that_are_not_there(canned: Canned) -> None:
    partly = canned.admin("topic", "describe", "orders", "nothing")
    assert (partly.exit_code, partly.stderr) == (3, "Error: no topic 'nothing'\n")
    assert canned.admin("topic", "describe", "nothing").exit_code == 1
    assert canned.admin("topic", "describe", "nothing", "--if-exists").exit_code == 0
    assert canned.admin("topic", "describe", "--topic", "no.*").stderr == (
        "Error: no topic matches 'no.*'\n"
    )


def test_create(canned: Canned) -> None:
    def answer(code: ErrorCode, message: str | None = None) -> CreateTopicsResponse:
        result = CreatableTopicResult(name="new", error_code=code, error_message=message)
        return CreateTopicsResponse(topics=[result])

    canned.answers(CreateTopicsRequest, answer(ErrorCode.NONE))
    assert canned.admin("topic", "create", "new").stdout == "Created topic new.\n"
    assert canned.facts("topic", "create", "new")["topics"] == [
        {"name": "new", "created": True, "error": None, "message": None}
    ]
    could = canned.admin("topic", "create", "new", "--validate-only")
    assert could.stdout == "Topic new could be created.\n"

    canned.answers(CreateTopicsRequest, answer(ErrorCode.TOPIC_ALREADY_EXISTS, "there is one"))
    refused = canned.admin("topic", "create", "new")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "Error: topic 'new': TOPIC_ALREADY_EXISTS: there is one\n"
    assert canned.facts("topic", "create", "new", exit_code=1)["topics"][0]["error"] == (
        "TOPIC_ALREADY_EXISTS"
    )
    assert canned.facts("topic", "create", "new", "--if-not-exists")["topics"] == [
        {"name": "new", "created": False, "error": None, "message": None}
    ]


def created(request: CreateTopicsRequest) -> CreateTopicsResponse:
    """All of them, but for those that are called after a trouble; in another order."""
    return CreateTopicsResponse(
        topics=[
            CreatableTopicResult(
                name=each.name,
                error_code=ErrorCode.INVALID_PARTITIONS if "bad" in each.name else ErrorCode.NONE,
            )
            for each in reversed(request.topics)
        ]
    )


def test_many_are_created_some_at_a_time(canned: Canned) -> None:
    canned.answers(CreateTopicsRequest, created)
    names = [f"t{number}" for number in range(45)]
    result = canned.admin("topic", "create", *names, "-p", "2")
    assert result.stdout.splitlines() == [f"Created topic {name}." for name in names]
    asked = canned.asked(CreateTopicsRequest)
    assert [len(each.topics) for each in asked] == [20, 20, 5]
    assert {topic.num_partitions for each in asked for topic in each.topics} == {2}
    partly = canned.admin("topic", "create", "t", "bad", "-o", "json")
    assert partly.exit_code == 3
    assert partly.stderr == "Error: topic 'bad': INVALID_PARTITIONS\n"


def test_a_deadline_in_the_middle_tells_what_was_done(canned: Canned) -> None:
    def then_silent(request: CreateTopicsRequest) -> object:
        return created(request) if request.topics[0].name == "t0" else SILENT

    canned.answers(CreateTopicsRequest, then_silent)
    names = [f"t{number}" for number in range(21)]
    canned.admin("topic", "create", "t0")  # the first use of an API takes its time
    result = canned.admin("topic", "create", *names, "--timeout", "0.5")
    address = canned.broker.address
    assert result.exit_code == 5
    assert result.stderr == (
        "Error: not done within 0.5 s; answered: CreateTopics of t0, t1, t2, t3, t4 and 15 more "
        f"at {address}; without an answer, maybe done: CreateTopics of t20 sent to {address}\n"
    )


def test_delete_in_part(canned: Canned) -> None:
    def answer(request: DeleteTopicsRequest) -> DeleteTopicsResponse:
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return DeleteTopicsResponse(
            responses=[
                DeletableTopicResult(
                    name=each.name,
                    error_code=ErrorCode.NONE if each.name == "orders" else unknown,
                )
                for each in request.topics
            ]
        )

    canned.answers(DeleteTopicsRequest, answer)
    partly = canned.admin("topic", "delete", "orders", "nothing")
    assert partly.exit_code == 3
    assert partly.stdout == "Deleted topic orders.\n"
    assert partly.stderr == "Error: topic 'nothing': UNKNOWN_TOPIC_OR_PARTITION\n"
    facts = canned.facts("topic", "delete", "orders", "nothing", exit_code=3)
    assert [each["error"] for each in facts["topics"]] == [None, "UNKNOWN_TOPIC_OR_PARTITION"]
    assert canned.admin("topic", "delete", "nothing", "--if-exists").exit_code == 0


def test_alter(canned: Canned) -> None:
    def answer(request: CreatePartitionsRequest) -> CreatePartitionsResponse:
        few = ErrorCode.INVALID_PARTITIONS
        return CreatePartitionsResponse(
            results=[
                CreatePartitionsTopicResult(
                    name=each.name,
                    error_code=ErrorCode.NONE if each.name == "payments" else few,
                )
                for each in request.topics
            ]
        )

    canned.answers(CreatePartitionsRequest, answer)
    done = canned.admin("topic", "alter", "payments", "-p", "2", "--replica-assignment", "1,2")
    assert done.stdout == "Topic payments has 2 partitions.\n"
    assert done.stderr.startswith("Warning: which partition a key belongs to")
    (request,) = canned.asked(CreatePartitionsRequest)
    assert request.topics[0].count == 2
    assert [each.broker_ids for each in request.topics[0].assignments] == [[2]], "the new one's"

    names = ("orders", "payments", "nothing")
    partly = canned.admin("topic", "alter", *names, "-p", "2")
    assert partly.exit_code == 3
    assert partly.stderr.splitlines()[-1] == (
        "Error: topic 'nothing': UNKNOWN_TOPIC_OR_PARTITION; topic 'orders': INVALID_PARTITIONS"
    )
    facts = canned.facts("topic", "alter", *names, "-p", "2", "--if-exists", exit_code=3)
    assert [each["name"] for each in facts["topics"]] == ["orders", "payments"]


def test_offsets(canned: Canned) -> None:
    def answer(request: ListOffsetsRequest) -> ListOffsetsResponse:
        return ListOffsetsResponse(
            topics=[
                ListOffsetsTopicResponse(
                    name=each.name,
                    partitions=[
                        ListOffsetsPartitionResponse(
                            partition_index=partition.partition_index,
                            offset=17 if each.name == "orders" else -1,
                            leader_epoch=3,
                        )
                        for partition in each.partitions
                    ],
                )
                for each in request.topics
            ]
        )

    canned.answers(ListOffsetsRequest, answer)
    partly = canned.admin("topic", "offsets", "--time", "1795332306538")
    assert partly.exit_code == 3, "orders-1 has no leader"
    assert partly.stdout == "orders:0:17\norders:2:17\n"
    assert partly.stderr == "Error: orders-1: LEADER_NOT_AVAILABLE\n"
    (request,) = canned.asked(ListOffsetsRequest)
    assert request.topics[0].partitions[0].timestamp == 1795332306538

    facts = canned.facts("topic", "offsets", "orders", "--partitions", "1,2", exit_code=3)
    assert [(each["offset"], each["error"]) for each in facts["offsets"]] == [
        (None, "LEADER_NOT_AVAILABLE"),
        (17, None),
    ]
    assert canned.admin("topic", "offsets", "payments", "--time", "earliest").stdout == ""
    canned.topics[0].is_internal = True
    assert canned.admin("topic", "offsets", "--exclude-internal").exit_code == 0
    canned.topics[0].is_internal = False
    none = canned.admin("topic", "offsets", "orders", "--partitions", "9")
    assert (none.exit_code, none.stderr) == (1, "Error: no such partition\n")
