"""Finding the broker to ask, and asking again while the cluster is changing.

Three requests tell who is who:

    Metadata          brokers' addresses, and which of them is the controller
    FindCoordinator   the broker that holds a group, or a transactional id
    (none)            a question that any broker answers goes to one that is connected already

An answer such as NOT_CONTROLLER is not a failure but news: `Cluster.retrying`
forgets what it knew, waits a little and asks again, until the deadline that
`open_cluster` set. It keeps the last such answer, so that a command that times
out can say what it was waiting for.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import trio

from broker.wire.errors import ErrorCode
from broker.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from cli.client.addresses import Address
from cli.client.changes import Changes
from cli.client.connection import Connection, connect
from cli.client.errors import (
    BrokerUnreachable,
    ConnectionLost,
    NoBrokerReachable,
    RequestFailed,
    TimedOut,
)

_log = logging.getLogger(__name__)

T = TypeVar("T")

# Answers that mean "ask again": the cluster is starting, electing, loading, ending a transaction.
# Fewer than `ErrorCode.retriable`: a topic that is unknown is unknown, and says so at once.
RETRIABLE = frozenset(
    {
        ErrorCode.LEADER_NOT_AVAILABLE,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.OFFSET_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.NOT_CONTROLLER,
        ErrorCode.CONCURRENT_TRANSACTIONS,
    }
)

# Elections take a few hundred milliseconds; asking sooner only makes noise.
BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 1.0

# FindCoordinator: what a key is the name of.
GROUP_COORDINATOR, TRANSACTION_COORDINATOR = 0, 1
_KEY_WORDS = {GROUP_COORDINATOR: "group", TRANSACTION_COORDINATOR: "transactional id"}


class Cluster:
    """The brokers behind a bootstrap list. Made by `open_cluster`."""

    def __init__(self, bootstrap: Sequence[Address], changes: Changes | None = None) -> None:
        self.bootstrap = tuple(bootstrap)
        self.changes = changes or Changes()
        self.waiting_for: str | None = None
        self._connections: dict[Address, Connection] = {}

    async def any_broker(self) -> Connection:
        """A broker that answers: one that is connected, else the first of the bootstrap list."""
        for connection in self._connections.values():
            return connection
        reasons: dict[Address, str] = {}
        for address in self.bootstrap:
            try:
                return await self._connected(address)
            except BrokerUnreachable as error:
                reasons[address] = error.reason
        raise NoBrokerReachable(reasons)

    async def brokers(self) -> dict[int, Address]:
        """The live brokers by id, at the addresses that they advertise."""
        metadata = await self._metadata()
        return {node.node_id: Address(node.host, node.port) for node in metadata.brokers}

    async def broker(self, broker_id: int) -> Connection:
        """The broker with this id; raises `RequestFailed` when it is not alive."""
        address = (await self.brokers()).get(broker_id)
        if address is None:
            raise RequestFailed(f"broker {broker_id}", ErrorCode.BROKER_NOT_AVAILABLE)
        return await self._connected(address)

    async def controller(self) -> Connection:
        """The active controller; `RequestFailed` (retriable) while there is none."""
        metadata = await self._metadata()
        for node in metadata.brokers:
            if node.node_id == metadata.controller_id:
                return await self._connected(Address(node.host, node.port))
        raise RequestFailed("no active controller", ErrorCode.NOT_CONTROLLER)

    async def coordinator(
        self, key: str, key_type: int = GROUP_COORDINATOR
    ) -> tuple[int, Connection]:
        """The broker that holds a group or a transactional id.

        `RequestFailed` (retriable) while none does.
        """
        connection = await self.any_broker()
        answer = await connection.call(
            FindCoordinatorRequest(key_type=key_type, coordinator_keys=[key]),
            FindCoordinatorResponse,
            needs=4,
        )
        found = answer.coordinators[0]
        if found.error_code:
            raise RequestFailed(
                f"coordinator of {_KEY_WORDS[key_type]} {key!r}",
                ErrorCode.of(found.error_code),
                found.error_message,
            )
        return found.node_id, await self._connected(Address(found.host, found.port))

    async def retrying(self, question: Callable[[], Awaitable[T]], *, repeatable: bool = True) -> T:
        """Await `question()` until it answers something else than "not me" or "not yet".

        `repeatable=False` is for requests that change something: they are repeated only
        when it is certain that nothing was done (the broker said so, or it was never
        reached), not when the connection was lost between request and answer.
        """
        backoff = BACKOFF_SECONDS
        while True:
            try:
                return await question()
            except RequestFailed as error:
                if error.code not in RETRIABLE:
                    raise
                self.waiting_for = str(error)
            except ConnectionLost as error:
                if not repeatable:
                    raise
                await self._forget_connections()
                self.waiting_for = str(error)
            except BrokerUnreachable as error:
                # A broker that metadata still names but that is gone: its death takes a
                # ZooKeeper session timeout to be noticed.
                self.waiting_for = str(error)
            _log.info("asking again in %g s: %s", backoff, self.waiting_for)
            await trio.sleep(backoff)
            backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)

    async def aclose(self) -> None:
        await self._forget_connections()

    async def _metadata(self) -> MetadataResponse:
        connection = await self.any_broker()
        return await connection.call(
            MetadataRequest(topics=[], allow_auto_topic_creation=False), MetadataResponse, needs=4
        )

    async def _connected(self, address: Address) -> Connection:
        if address not in self._connections:
            self._connections[address] = await connect(address, self.changes)
        return self._connections[address]

    async def _forget_connections(self) -> None:
        connections, self._connections = list(self._connections.values()), {}
        for connection in connections:
            await connection.aclose()


@contextlib.asynccontextmanager
async def open_cluster(
    bootstrap: Sequence[Address], *, timeout_seconds: float, changes: Changes | None = None
) -> AsyncIterator[Cluster]:
    """A cluster to ask; everything inside the block is under one deadline.

    Raises `TimedOut`, naming the last thing that was waited for, when the block has not
    ended within `timeout_seconds`.
    """
    cluster = Cluster(bootstrap, changes)
    with trio.move_on_after(timeout_seconds) as deadline:
        try:
            yield cluster
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await cluster.aclose()
    if deadline.cancelled_caught:
        detail = f"; last: {cluster.waiting_for}" if cluster.waiting_for else ""
        raise TimedOut(f"not done within {timeout_seconds:g} s{detail}")
