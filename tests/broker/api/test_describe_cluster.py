"""DescribeCluster: whom it names, and what it says to who asks for others than brokers."""

from pathlib import Path

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_cluster import DescribeClusterRequest
from tests.broker.support import call, know, open_broker


async def test_a_controller_that_is_not_among_the_brokers_is_none(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, (1, 2))
        answer = await call(broker, DescribeClusterRequest(), 1)
        assert [each.broker_id for each in answer.brokers] == [1, 2]
        assert answer.controller_id == broker.metadata.current.controller_id == 1
        await know(broker, (2,))
        assert broker.metadata.current.controller_id == 1
        assert (await call(broker, DescribeClusterRequest(), 1)).controller_id == -1


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        (
            2,
            ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            "The request was sent to an endpoint of type BROKER, "
            "but we wanted an endpoint of type CONTROLLER",
        ),
        (0, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, "Unsupported endpoint type 0"),
    ],
)
async def test_endpoints_that_are_no_brokers(
    tmp_path: Path, kind: int, error: ErrorCode, words: str
) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, (1,))
        answer = await call(broker, DescribeClusterRequest(endpoint_type=kind), 1)
        assert (answer.error_code, answer.error_message, answer.brokers) == (error, words, [])
