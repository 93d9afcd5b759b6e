"""`cluster` and `broker` against canned answers.

Against a cluster: tests/interop/test_admin_cluster.py.
"""

import pytest

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)
from broker.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from broker.wire.messages.describe_log_dirs import (
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
)
from cli.client.connection import VersionRange
from cli.commands.cluster.api_versions import read_reference
from tests.cli.commands.canned import Canned, topic


@pytest.fixture(autouse=True)
def ensemble(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1, 2], [1]), (None, [2], [2])), topic("t", (1, [1], [1]))]
    here = canned.broker.address
    canned.answers(
        DescribeClusterRequest,
        DescribeClusterResponse(
            cluster_id="id-1",
            controller_id=1,
            brokers=[
                DescribeClusterBroker(broker_id=1, host=here.host, port=here.port, rack="r1"),
            ],
        ),
    )


def test_describe(canned: Canned) -> None:
    lines = canned.admin("cluster", "describe").stdout.splitlines()
    assert lines[:5] == [
        "Cluster ID: id-1",
        "Controller: broker 1",
        "Topics: 2, partitions: 3",
        "Under-replicated partitions: 1",
        "Partitions without a leader: 1",
    ]
    facts = canned.facts("cluster", "describe")
    assert (facts["controller"], facts["leaderless_partition_count"]) == (1, 1)
    canned.answers(DescribeClusterRequest, DescribeClusterResponse(cluster_id="id-1"))
    assert "Controller: none\n" in canned.admin("cluster", "describe").stdout
    assert canned.facts("cluster", "describe")["controller"] is None


def test_id_and_brokers(canned: Canned) -> None:
    assert canned.admin("cluster", "id").stdout == "Cluster ID: id-1\n"
    assert canned.admin("cluster", "id", "-o", "name").stdout == "id-1\n"
    assert canned.facts("cluster", "id") == {"v": 1, "cluster_id": "id-1"}
    here = canned.broker.address
    (line,) = canned.admin("cluster", "brokers").stdout.splitlines()[1:]
    assert line.split() == ["1", here.host, str(here.port), "r1", "yes"]
    assert canned.facts("cluster", "brokers")["brokers"][0]["rack"] == "r1"


def speaking(**changed: tuple[int, int] | None) -> ApiVersionsResponse:
    """What Kafka 3.9.1 speaks, but for some APIs."""
    versions = {
        key: changed.get(name, (spoken.lowest, spoken.highest))
        for key, (name, spoken) in read_reference("kafka-3.9.1").items()
    }
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=key, min_version=spoken[0], max_version=spoken[1])
            for key, spoken in versions.items()
            if spoken is not None
        ]
    )


def test_features(canned: Canned) -> None:
    """Two brokers that agree share a line."""
    assert canned.admin("cluster", "features").stdout == ""
    speaks = speaking()
    speaks.supported_features = [SupportedFeatureKey(name="x", min_version=1, max_version=3)]
    canned.answers(ApiVersionsRequest, speaks)
    line = "Feature: x\tSupportedMinVersion: 1\tSupportedMaxVersion: 3\tFinalizedVersionLevel: "
    assert canned.admin("cluster", "features").stdout == f"{line}0\tEpoch: -\n"
    speaks.finalized_features = [FinalizedFeatureKey(name="x", max_version_level=2)]
    speaks.finalized_features_epoch = 7
    assert canned.admin("cluster", "features").stdout == f"{line}2\tEpoch: 7\n"
    (broker,) = canned.facts("cluster", "features")["brokers"]
    assert broker["features"] == [
        {"name": "x", "supported": {"lowest": 1, "highest": 3}, "finalized": 2}
    ]


def test_a_broker(canned: Canned) -> None:
    canned.answers(
        DescribeLogDirsRequest,
        DescribeLogDirsResponse(
            results=[
                DescribeLogDirsResult(log_dir="/a"),
                DescribeLogDirsResult(log_dir="/b", error_code=ErrorCode.KAFKA_STORAGE_ERROR),
            ]
        ),
    )
    canned.topics = [topic("t", (1, [1, 2], [1]), (2, [2, 1], [2]), (2, [2], [2]))]
    assert canned.admin("broker", "describe", "1").stdout.splitlines() == [
        "Broker: 1 (controller)",
        f"Address: {canned.broker.address}",
        "Rack: r1",
        "Leads: 1 partitions",
        "Holds: 2 replicas, 1 of them not in sync",
        "Log directory: /a: 0 replicas, 0 bytes",
        "Log directory: /b: KAFKA_STORAGE_ERROR",
    ]
    facts = canned.facts("broker", "describe", "1")
    assert (facts["leader_count"], facts["out_of_sync_replica_count"]) == (1, 1)
    gone = canned.admin("broker", "describe", "7")
    assert (gone.exit_code, gone.stderr) == (1, "Error: broker 7: BROKER_NOT_AVAILABLE\n")


DIFF = ("cluster", "api-versions", "--diff", "kafka-3.9.1")


def test_api_versions(canned: Canned) -> None:
    lines = canned.admin("cluster", "api-versions").stdout.splitlines()
    assert len(lines) == 1 + len(API_TABLE)
    assert lines[1].split() == ["1", "Produce", "0", "0", "to", "11"]
    facts = canned.facts("cluster", "api-versions", "--broker", "1")["apis"][0]
    assert facts["versions"] == {"lowest": 0, "highest": 11}
    gone = canned.admin("cluster", "api-versions", "--broker", "7")
    assert (gone.exit_code, gone.stderr) == (1, "Error: broker 7: BROKER_NOT_AVAILABLE\n")


def test_the_difference_from_a_kafka(canned: Canned) -> None:
    canned.answers(ApiVersionsRequest, speaking())
    same = canned.admin(*DIFF)
    assert (same.exit_code, same.stdout) == (0, "")
    canned.answers(ApiVersionsRequest, speaking(Fetch=(4, 17), CreateAcls=None))
    differs = canned.admin(*DIFF)
    assert differs.exit_code == 4
    assert differs.stderr == "Error: 2 differences from kafka-3.9.1\n"
    assert [line.split() for line in differs.stdout.splitlines()[1:]] == [
        ["1", "Fetch", "1", "4", "to", "17", "0", "to", "17"],
        ["1", "CreateAcls", "30", "-", "0", "to", "3"],
    ]
    facts = canned.facts(*DIFF, exit_code=4)["apis"]
    assert facts[1]["versions"] is None
    assert facts[1]["reference"] == {"lowest": 0, "highest": 3}


def test_the_reference_is_what_we_speak_where_we_do() -> None:
    reference = read_reference("kafka-3.9.1")
    assert {key: reference[key] for key in API_TABLE} == {
        key: (api.name, VersionRange(api.min_version, api.max_version))
        for key, api in API_TABLE.items()
    }
    assert reference[ApiKey.FETCH][0] == "Fetch"
