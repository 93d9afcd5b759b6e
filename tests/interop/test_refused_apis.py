"""APIs that a broker in ZooKeeper mode advertises but does not serve, asked of a cluster.

Every field is compared, and the real one answers the same (`--cluster kafka`).
"""

import pytest

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)
from broker.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)
from broker.wire.messages.envelope import EnvelopeRequest
from tests.support.cluster import TestCluster
from tests.support.raw_client import CLOSED, RawClient

pytestmark = pytest.mark.server

UNSUPPORTED = ErrorCode.UNSUPPORTED_VERSION


def test_consumer_group_heartbeat(cluster: TestCluster) -> None:
    request = ConsumerGroupHeartbeatRequest(
        group_id="newer", rebalance_timeout_ms=1000, subscribed_topic_names=["t"]
    )
    with RawClient(cluster.address(1)) as client:
        answer = client.ask(ApiKey.CONSUMER_GROUP_HEARTBEAT, 0, request)
    assert answer == ConsumerGroupHeartbeatResponse(error_code=UNSUPPORTED)


def test_consumer_group_describe(cluster: TestCluster) -> None:
    request = ConsumerGroupDescribeRequest(
        group_ids=["a", "", "a"], include_authorized_operations=True
    )
    with RawClient(cluster.address(1)) as client:
        answer = client.ask(ApiKey.CONSUMER_GROUP_DESCRIBE, 0, request)
    assert answer == ConsumerGroupDescribeResponse(
        groups=[
            DescribedGroup(group_id=group_id, error_code=UNSUPPORTED) for group_id in ("a", "", "a")
        ]
    )


def test_envelope(cluster: TestCluster) -> None:
    with RawClient(cluster.address(1)) as client:
        assert client.ask(ApiKey.ENVELOPE, 0, EnvelopeRequest(request_data=b"a request")) is CLOSED
