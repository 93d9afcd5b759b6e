"""Offsets in ZooKeeper, where consumers kept them before there was a coordinator.

Version 0 of OffsetCommit and OffsetFetch is of that time: a broker writes and reads the znode

    /consumers/<group>/offsets/<topic>/<partition>     the offset, as text

and no coordinator is involved. Nothing else in Kafka looks there any more.

Source: Kafka's `KafkaZkClient.setOrCreateConsumerOffset`, `ConsumerOffset` in ZkData.
"""

from typing import Final, Protocol

import attrs
import trio

from broker.wire.errors import ErrorCode, KafkaError
from coordination.store import NodeExists, NoNode, Session, StoreError
from coordination.values import TopicPartition
from coordination.znodes import paths
from coordination.znodes.documents import whole_number

# No client has a say in it: versions 0 have no timeout. Kafka waits for its session without end.
_TIMEOUT_S: Final = 10.0


class Sessions(Protocol):
    async def session(self) -> Session:
        """The current session with ZooKeeper; waits until there is one."""
        ...


@attrs.frozen
class ZooKeeperOffsets:
    """KafkaErrors: INVALID_GROUP_ID, REQUEST_TIMED_OUT, UNKNOWN_SERVER_ERROR."""

    sessions: Sessions

    async def get(self, group_id: str, partition: TopicPartition) -> int | None:
        """The offset; None if there is none."""
        path = _path(group_id, partition)
        try:
            with trio.fail_after(_TIMEOUT_S):
                node = await (await self.sessions.session()).get(path)
            offset = whole_number(node.data.decode(errors="replace"), bits=64)
            if offset is None:
                raise ValueError(f"expected an offset, found {node.data!r:.80}")
            return offset
        except NoNode:
            return None
        except (StoreError, ValueError, trio.TooSlowError) as error:
            raise _failed(path, error) from error

    async def set(self, group_id: str, partition: TopicPartition, offset: int) -> None:
        path = _path(group_id, partition)
        data = str(offset).encode()
        try:
            with trio.fail_after(_TIMEOUT_S):
                session = await self.sessions.session()
                try:
                    await session.set(path, data)
                except NoNode:
                    await _create(session, path, data)
        except (StoreError, trio.TooSlowError) as error:
            raise _failed(path, error) from error


async def _create(session: Session, path: str, data: bytes) -> None:
    """Create the znode and its parents; whoever was faster is overwritten."""
    parts = path.split("/")
    for end in range(2, len(parts)):
        try:
            await session.create("/".join(parts[:end]))
        except NodeExists:
            continue
    try:
        await session.create(path, data)
    except NodeExists:
        await session.set(path, data)


def _path(group_id: str, partition: TopicPartition) -> str:
    if not group_id or "/" in group_id or group_id in (".", ".."):
        raise KafkaError(ErrorCode.INVALID_GROUP_ID, f"{group_id!r} cannot be in a path")
    return paths.consumer_offset(group_id, partition)


def _failed(path: str, error: Exception) -> KafkaError:
    is_late = isinstance(error, trio.TooSlowError)
    code = ErrorCode.REQUEST_TIMED_OUT if is_late else ErrorCode.UNKNOWN_SERVER_ERROR
    return KafkaError(code, f"{path}: {error}")
