"""Who comes in by a listener is told of brokers as that listener knows them."""

from pathlib import Path
from typing import Any

import pytest

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages import update_metadata as um
from broker.wire.messages.describe_cluster import DescribeClusterRequest
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from tests.broker.support import call, open_broker

# Broker 3 has no listener for clients.
LISTENERS = {1: ("INSIDE", "CLIENTS"), 2: ("CLIENTS", "INSIDE"), 3: ("INSIDE",)}


async def knowing(broker: Broker, **leaders: int) -> None:
    """A cluster of three, with a topic's partition for each leader, replicated to all."""
    request = um.UpdateMetadataRequest(
        controller_id=3,
        controller_epoch=1,
        broker_epoch=-1,
        live_brokers=[
            um.UpdateMetadataBroker(
                id=broker_id,
                endpoints=[
                    um.UpdateMetadataEndpoint(
                        host=f"{name.lower()}-{broker_id}", port=9000 + broker_id, listener=name
                    )
                    for name in names
                ],
            )
            for broker_id, names in LISTENERS.items()
        ],
        topic_states=[
            um.UpdateMetadataTopicState(
                topic_name=topic,
                partition_states=[
                    um.UpdateMetadataPartitionState(
                        leader=leader, leader_epoch=4, isr=[3, 1], replicas=[3, 1, 2]
                    )
                ],
            )
            for topic, leader in leaders.items()
        ],
    )
    await call(broker, request, 8)


async def partition(broker: Broker, topic: str, version: int, listener: str = "CLIENTS") -> Any:
    request = MetadataRequest(topics=[MetadataRequestTopic(name=topic)])
    [found] = (await call(broker, request, version, listener=listener)).topics
    return found.partitions[0]


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        ("CLIENTS", {1: "clients-1", 2: "clients-2"}),
        ("INSIDE", {1: "inside-1", 2: "inside-2", 3: "inside-3"}),
        ("CONTROL", {}),
    ],
)
async def test_brokers(tmp_path: Path, listener: str, expected: dict[int, str]) -> None:
    async with open_broker(tmp_path) as broker:
        await knowing(broker)
        told = await call(broker, MetadataRequest(topics=[]), 12, listener=listener)
        assert {each.node_id: each.host for each in told.brokers} == expected
        assert told.controller_id == 3, "that it's there is true, wherever one asks"
        described = await call(broker, DescribeClusterRequest(), 1, listener=listener)
        assert {each.broker_id: each.host for each in described.brokers} == expected


@pytest.mark.parametrize(
    ("version", "code"),
    [(12, ErrorCode.LISTENER_NOT_FOUND), (6, ErrorCode.LISTENER_NOT_FOUND)]
    + [(version, ErrorCode.LEADER_NOT_AVAILABLE) for version in (5, 1, 0)],
)
async def test_a_leader_that_is_not_to_be_found_there(
    tmp_path: Path, version: int, code: ErrorCode
) -> None:
    async with open_broker(tmp_path) as broker:
        await knowing(broker, t=3)
        hidden = await partition(broker, "t", version)
        assert (hidden.error_code, hidden.leader_id) == (code, -1)
        seen = await partition(broker, "t", version, listener="INSIDE")
        assert (seen.error_code, seen.leader_id) == (ErrorCode.NONE, 3)


async def test_replicas_are_told_wherever_they_are(tmp_path: Path) -> None:
    """But not in version 0, which leaves them out and says so."""
    async with open_broker(tmp_path) as broker:
        await knowing(broker, t=1)
        told = await partition(broker, "t", 1)
        assert (told.error_code, told.leader_id) == (ErrorCode.NONE, 1)
        assert (told.replica_nodes, told.isr_nodes) == ([3, 1, 2], [3, 1])
        told = await partition(broker, "t", 0)
        assert (told.error_code, told.leader_id) == (ErrorCode.REPLICA_NOT_AVAILABLE, 1)
        assert (told.replica_nodes, told.isr_nodes) == ([1, 2], [1])
