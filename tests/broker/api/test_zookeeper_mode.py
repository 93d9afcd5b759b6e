"""What a broker in ZooKeeper mode advertises, and then refuses: as the real 3.9.1 does.

The same answers are asked of a cluster, ours or the real one, in tests/interop/test_refused_apis.
"""

from pathlib import Path
from uuid import UUID

import pytest

from broker.network.answers import CloseConnection
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
from tests.broker.support import call, open_broker


async def test_a_member_of_a_newer_group_is_refused(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        joining = ConsumerGroupHeartbeatRequest(group_id="g", member_id=str(UUID(int=1)))
        assert await call(broker, joining, 0) == ConsumerGroupHeartbeatResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION
        )


async def test_newer_groups_are_refused_one_by_one(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        asked = ConsumerGroupDescribeRequest(group_ids=["a", "b"])
        assert await call(broker, asked, 0) == ConsumerGroupDescribeResponse(
            groups=[
                DescribedGroup(group_id=group_id, error_code=ErrorCode.UNSUPPORTED_VERSION)
                for group_id in ("a", "b")
            ]
        )


async def test_who_forwards_is_hung_up_on(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        with pytest.raises(CloseConnection):
            await call(broker, EnvelopeRequest(request_data=b"a request"), 0)
