"""How a broker makes itself known in ZooKeeper, and how it takes its leave.

At its start, in this order: the persistent paths, the cluster's id, an id of its own if it has none
configured, and last /brokers/ids/N, ephemeral, which says "here I am" to the controller. The czxid
of that node is the **broker epoch**: it tells this life of the broker from those before.

The node is made empty and written in the same multi, so its data version is 1, as a real Kafka
broker's is (there it was the way to get the node's stat back from a multi's create).

Something may be in the way: a node that an earlier session made.

    whose is it?                       what we do
    of this session                    it is ours: the reply to our write was lost
    of an earlier session of ours      delete it and make it anew, for it would vanish some time,
                                       and we with it (KAFKA-7165)
    of a session that we do not know   wait until it vanishes: it is of our own life before a
                                       kill -9, or of another broker with our id

At the first registration the last case ends with BrokerIdInUse: a node that outlives the session
timeout belongs to somebody alive. A broker that has been registered before waits on, visibly: stock
Kafka needs a restart here (KAFKA-14845).

Source: kafka.zk.KafkaZkClient.{createTopLevelPaths,createOrGetClusterId,generateBrokerSequenceId,
registerBroker,CheckedEphemeral}.
"""

from collections.abc import Callable
from contextlib import suppress

import attrs
import trio

from coordination import znodes
from coordination.store import (
    BadVersion,
    ConnectionLoss,
    Create,
    MultiFailed,
    Node,
    NodeExists,
    NoNode,
    Session,
    Set,
    Stat,
    StoreError,
    StoreEvent,
)
from coordination.subscriptions import until_change
from coordination.values import BrokerRegistration, Recorder
from coordination.znodes import paths

PATIENCE_IN_TIMEOUTS = 1.5
"""How long a dead session's node can outlive it, in session timeouts: ZooKeeper rounds expiry up to
its next tick, and a timeout is at least two ticks."""


class BrokerIdInUse(Exception):
    """Another live broker is registered with our id."""


async def create_persistent_paths(session: Session) -> None:
    """What every broker expects to be there (ZkData.PersistentZkPaths), parents first."""
    wanted = {
        "/".join(parts[:depth])
        for parts in (path.split("/") for path in paths.PERSISTENT)
        for depth in range(2, len(parts) + 1)
    }
    in_order = sorted(wanted, key=lambda path: (path.count("/"), path))
    while True:
        results = await session.multi_many([[Create(path)] for path in in_order])
        errors = [each for each in results if isinstance(each, StoreError)]
        if not any(isinstance(each, ConnectionLoss) for each in errors):
            break
    for error in errors:
        if not (isinstance(error, MultiFailed) and isinstance(error.error, NodeExists)):
            raise error


async def cluster_id(session: Session, new_id: Callable[[], str]) -> str:
    """The cluster's id. The first broker ever takes `new_id()`, 16 random bytes in base64."""
    while True:
        try:
            return znodes.decode_cluster_id(await session.get(paths.CLUSTER_ID))
        except NoNode:
            pass
        try:
            await session.multi(
                [
                    Create("/cluster"),
                    Create(paths.CLUSTER_ID, znodes.encode_cluster_id(new_id())),
                ]
            )
        except ConnectionLoss:
            pass  # read what is there now
        except MultiFailed as failed:
            if not isinstance(failed.error, NodeExists):
                raise


async def generate_broker_id(session: Session, reserved_max_id: int) -> int:
    """A new id above `reserved.broker.max.id`. /brokers/seqid's version counts them."""
    while True:
        try:
            return reserved_max_id + (await session.set(paths.BROKER_SEQID, b"")).version
        except ConnectionLoss:
            pass  # a number may be lost, which hurts nobody


@attrs.define(eq=False)
class Registrar:
    """Registers one broker, in one session after another, and unregisters it."""

    broker: BrokerRegistration
    recorder: Recorder
    clock_ms: Callable[[], int]
    _sessions: set[int] = attrs.field(factory=set)  # ids of the sessions that registered us
    _registered: BrokerRegistration | None = None

    @property
    def path(self) -> str:
        return paths.broker(self.broker.broker_id)

    async def register(self, session: Session, cause: str | None = None) -> BrokerRegistration:
        """Return when /brokers/ids/N is there and this session's; `epoch` is filled in.

        Raises BrokerIdInUse (only if never registered before), SessionLost.
        """
        self._sessions.add(session.session_id)
        broker = attrs.evolve(self.broker, timestamp_ms=self.clock_ms())
        patience_s = PATIENCE_IN_TIMEOUTS * session.negotiated_timeout_ms / 1000
        with session.subscribe() as events:
            give_up_at = trio.current_time() + patience_s
            while (stat := await self._create(session, broker)) is None:
                node = await self._in_the_way(session)
                if node is None:
                    continue
                if node.stat.ephemeral_owner == session.session_id:
                    stat = node.stat
                    break
                if node.stat.ephemeral_owner in self._sessions:
                    await self._delete(session, node.stat)
                    continue
                cause = self._record_wait(node, cause)
                limit = trio.CancelScope()
                if self._registered is None:
                    limit.deadline = give_up_at
                with limit:
                    await _until_gone(session, events, node, self.path)
                if limit.cancelled_caught:
                    asked_s = trio.current_time()
                    still = await self._in_the_way(session)
                    if trio.current_time() > asked_s + patience_s / 10:
                        # We waited for ZooKeeper, not for the node: sessions don't end meanwhile.
                        give_up_at = trio.current_time() + patience_s
                    elif still is not None and still.stat.czxid == node.stat.czxid:
                        raise BrokerIdInUse(self._complaint(node))
        self._registered = attrs.evolve(broker, epoch=stat.czxid)
        self.recorder(
            "broker.registered",
            cause=cause,
            broker_id=broker.broker_id,
            broker_epoch=stat.czxid,
            endpoints=[str(endpoint) for endpoint in broker.endpoints],
        )
        return self._registered

    async def unregister(self, session: Session) -> None:
        """Delete /brokers/ids/N if it is still the one we made, so that nobody waits for it."""
        if self._registered is None:
            return
        while True:
            node = await self._in_the_way(session)
            if node is None or node.stat.czxid != self._registered.epoch:
                return
            await self._delete(session, node.stat)

    async def _create(self, session: Session, broker: BrokerRegistration) -> Stat | None:
        """The new node's stat; None if one was there, or if nobody knows."""
        data = znodes.encode_broker(broker)
        try:
            _, stat = await session.multi(
                [Create(self.path, ephemeral=True), Set(self.path, data, version=0)]
            )
        except ConnectionLoss:
            return None
        except MultiFailed as failed:
            if isinstance(failed.error, NodeExists):
                return None
            raise
        assert isinstance(stat, Stat)
        return stat

    async def _in_the_way(self, session: Session) -> Node | None:
        try:
            return await session.get(self.path)
        except NoNode:
            return None

    async def _delete(self, session: Session, stat: Stat) -> None:
        """Delete that very node; whoever calls looks again what is there."""
        with suppress(NoNode, BadVersion, ConnectionLoss):
            await session.delete(self.path, stat.version)

    def _record_wait(self, node: Node, cause: str | None) -> str:
        return self.recorder(
            "broker.registration_waits",
            cause=cause,
            broker_id=self.broker.broker_id,
            path=self.path,
            owner_session_id=node.stat.ephemeral_owner,
        )

    def _complaint(self, node: Node) -> str:
        return (
            f"A broker is already registered on the path {self.path}: {_description(node, self)}. "
            f"Either broker.id {self.broker.broker_id} is configured twice, or the broker was "
            "restarted faster than its old session timed out"
        )


async def _until_gone(
    session: Session,
    events: trio.MemoryReceiveChannel[StoreEvent],
    node: Node,
    path: str,
) -> None:
    """Wait until that very node is not there any more."""
    while True:
        stat = await session.exists(path, watch=True)
        if stat is None or stat.czxid != node.stat.czxid:
            return
        await until_change(events, path)


def _description(node: Node, registrar: Registrar) -> str:
    try:
        broker = znodes.decode_broker(registrar.broker.broker_id, node)
    except znodes.BadZnode as error:
        return str(error)
    return ", ".join(str(endpoint) for endpoint in broker.endpoints)
