"""`broker drain` against canned answers: what it asks for, and how it ends."""

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_partition_reassignments import AlterPartitionReassignmentsRequest
from broker.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)
from cli.commands.failure import Exit
from tests.cli.commands.canned import Canned, topic
from tests.cli.commands.test_reassign import altered

WHOLE = (1, [1, 2], [1, 2])
LONELY = (1, [1, 2], [1])


def elected(request: ElectLeadersRequest) -> ElectLeadersResponse:
    assert request.topic_partitions is not None
    return ElectLeadersResponse(
        replica_election_results=[
            ReplicaElectionResult(
                topic=each.topic,
                partition_result=[PartitionResult(partition_id=p) for p in each.partitions],
            )
            for each in request.topic_partitions
        ]
    )


@pytest.fixture(autouse=True)
def ensemble(canned: Canned) -> None:
    canned.broker_ids = (1, 2)
    canned.topics = [topic("orders", WHOLE)]
    canned.answers(AlterPartitionReassignmentsRequest, altered)
    canned.answers(ElectLeadersRequest, elected)


def test_all_moved(canned: Canned) -> None:
    done = canned.admin("broker", "drain", "1", "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "orders-0: led by broker 2"
    assert '"replicas":[1,2]' in done.stdout, "for the way back"
    [request] = canned.asked(AlterPartitionReassignmentsRequest)
    assert request.topics[0].partitions[0].replicas == [2, 1]
    [election] = canned.asked(ElectLeadersRequest)
    assert (election.election_type, election.topic_partitions[0].partitions) == (0, [0])


def test_in_part(canned: Canned) -> None:
    """orders-1 is refused (`altered`), orders-2 has nobody else."""
    canned.topics = [topic("orders", WHOLE, WHOLE, LONELY)]
    facts = canned.facts("broker", "drain", "1", "--yes", exit_code=Exit.PARTIAL)
    assert {each["partition"]: each["error"] for each in facts["partitions"]} == {
        0: None,
        1: "INVALID_REPLICA_ASSIGNMENT",
    }
    assert [each["partition"] for each in facts["staying"]] == [2]
    said = canned.admin("broker", "drain", "1", "--yes").stderr
    assert said == (
        "Error: orders-1: INVALID_REPLICA_ASSIGNMENT: why; orders-2: no other replica is in sync\n"
    )


def test_none_moved(canned: Canned) -> None:
    canned.topics = [topic("orders", LONELY)]
    assert canned.admin("broker", "drain", "1").exit_code == Exit.ERROR
    assert canned.asked(AlterPartitionReassignmentsRequest) == []


def test_it_was_right_already(canned: Canned) -> None:
    not_needed = ErrorCode.ELECTION_NOT_NEEDED
    result = PartitionResult(partition_id=0, error_code=not_needed)
    canned.answers(
        ElectLeadersRequest,
        ElectLeadersResponse(
            replica_election_results=[
                ReplicaElectionResult(topic="orders", partition_result=[result])
            ]
        ),
    )
    assert canned.facts("broker", "drain", "1", "--yes")["partitions"][0]["leader"] == 2


def test_nothing_to_move(canned: Canned) -> None:
    canned.topics = [topic("orders", (2, [2, 1], [1, 2]))]
    done = canned.admin("broker", "drain", "1")
    assert (done.exit_code, done.stdout) == (0, "Broker 1 leads nothing\n")


def test_it_is_asked_for_twice(canned: Canned) -> None:
    refused = canned.admin("broker", "drain", "1")
    assert (refused.exit_code, refused.stdout) == (Exit.USAGE, "")
    assert refused.stderr.startswith("orders-0: to be led by broker 2\nError: "), "a dry run"
    dead = canned.admin("broker", "drain", "9", "--yes")
    assert dead.stderr == "Error: not alive: broker 9\n"
    assert canned.asked(AlterPartitionReassignmentsRequest) == []


def test_the_way_back_is_told_if_it_is_interrupted(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.client.draining.elect_leaders", interrupted)
    done = canned.admin("broker", "drain", "1", "--yes")
    assert (done.exit_code, done.stdout) == (Exit.INTERRUPTED, "")
    assert '"replicas":[1,2]' in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: interrupted: answered: AlterPartitionReassignments of orders")


def test_what_has_changed_during_the_question_is_looked_at_again(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(question: str, *, yes: bool) -> None:
        canned.topics = [topic("orders", (1, [1, 2], [1]))]

    monkeypatch.setattr("cli.commands.broker.drain.confirm", answer)
    done = canned.admin("broker", "drain", "1")
    assert (done.exit_code, done.stdout) == (Exit.ERROR, "")
    assert canned.asked(AlterPartitionReassignmentsRequest) == []
