"""The life of one broker: what starts when, what runs, and how it ends.

    run_broker
    ├─ monitor.run ────────── all the time, if there is an http.listener
    ├─ keep_session ───────── while there is a ZooKeeper session:
    │   └─ in_session         register, stand for controller, follow configs and features
    └─ serve ──────────────── from the first session to the shutdown, with or without ZooKeeper:
        ├─ watch_log_directories   what follows when one fails
        ├─ logs.run           flushing, checkpoints, retention
        ├─ replicas.run       high watermark checkpoints
        ├─ fetchers.run       one task a source broker
        ├─ isr_changes.run    AlterPartition
        ├─ moves.run          replicas to other log directories
        ├─ producer_ids.run   AllocateProducerIds
        ├─ partition_counts.run    of the coordinators' topics
        ├─ groups.run         rebalances, offset expiry
        ├─ transactions.run   markers, timeouts, expiry of transactional ids
        └─ a listener each    one task a connection

Start: a first session, the cluster's id, `meta.properties`, the logs (recovered
if they weren't closed), the ports, the tasks; then the registration, for from
then on the controller sends orders; and last the listeners answer.

End, by `shutdown`: the controller moves our leaderships away (ControlledShutdown),
the listeners close, the logs are closed cleanly, and the session ends last, which
deletes our ephemeral nodes. If the session is lost on the way, the controller sees
us dead and moves them as well: we ask no more, and don't register again, for a
broker that comes back is let into the ISRs that it is about to leave (KIP-841).

Losing the session ends none of the right-hand tasks: a broker goes on leading and
following until LeaderAndIsr says otherwise. While it starts, what it had asked
ZooKeeper is asked again in the next one.

Kafka: KafkaServer.startup and shutdown.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import attrs
import trio

from broker.admin.applied_configs import follow_config_changes
from broker.admin.live_configs import with_stored_configs
from broker.broker import Broker
from broker.broker_state import BrokerState
from broker.build import build_broker
from broker.config.broker_config import BrokerConfig
from broker.control.channel import open_controller_channel
from broker.control.controlled_shutdown import ask_to_leave
from broker.directory_failures import watch_log_directories
from broker.events import FILE_NAME, EventLog
from broker.failure import BrokerFailure, innermost
from broker.identity import Identity, find_identity
from broker.network.connections import Connections
from broker.network.endpoints import connections_of, listeners_of, open_endpoints
from broker.surroundings import Surroundings, real_surroundings
from broker.zookeeper import ZooKeeper
from coordination.configs import ConfigChanges
from coordination.controller.context import ControllerSettings
from coordination.controller.lifecycle import run_controller_lifecycle
from coordination.registration import (
    BrokerIdInUse,
    Registrar,
)
from coordination.session import keep_session
from coordination.store import Session, SessionLost, StoreUnavailable
from coordination.values import BrokerRegistration, Endpoint, Recorder
from coordination.znodes import BadZnode

if TYPE_CHECKING:
    from broker.monitoring.monitor import Monitor

_log = logging.getLogger(__name__)

T = TypeVar("T")

# A stopping broker doesn't wait longer than this for ZooKeeper.
UNREGISTER_TIMEOUT_S = 2.0


async def run_broker(
    config: BrokerConfig,
    *,
    shutdown: trio.Event,
    surroundings: Callable[[BrokerConfig, Recorder], Surroundings] = real_surroundings,
) -> None:
    """Run a broker until `shutdown` is set; raises `BrokerFailure` for what its user can mend."""
    events = EventLog(config.broker_id)
    failure = None
    try:
        await _run(config, events, shutdown, surroundings(config, events))
    except* StoreUnavailable as unavailable:
        failure = BrokerFailure(str(innermost(unavailable)))
    except* BrokerIdInUse as in_use:
        failure = BrokerFailure(str(innermost(in_use)))
    except* BadZnode as bad:
        # One that we can't begin without. All others are said in the trace, and we go on.
        failure = BrokerFailure(str(innermost(bad)))
    finally:
        events.close()
    # Not in the block: `except*` wraps what it raises in a group before Python 3.11.4 (gh-103590).
    if failure is not None:
        raise failure


async def _run(
    config: BrokerConfig, events: EventLog, shutdown: trio.Event, surroundings: Surroundings
) -> None:
    starting = events(
        "broker.starting",
        listeners=[str(endpoint) for endpoint in config.listeners],
        log_dirs=config.log_dirs,
    )
    life = _Life(config, events, surroundings, starting)
    async with trio.open_nursery() as nursery:
        if config.http_listener is not None:
            await life.monitor(config.http_listener, nursery)

        async def keep() -> None:
            await keep_session(
                life.surroundings.store,
                life.in_session,
                recorder=events,
                connection_timeout_ms=config.zookeeper_connection_timeout_ms,
            )

        nursery.start_soon(keep)
        await life.serve(shutdown)
        nursery.cancel_scope.cancel()
    events("broker.stopped", cause=life.stopping)


class _Life:
    """What `in_session` and `serve` share: the broker once it's built, and when it may register.

    And what monitoring asks of it (`broker.monitoring.pages.Life`).
    """

    def __init__(
        self,
        config: BrokerConfig,
        events: EventLog,
        surroundings: Surroundings,
        starting: str,
    ) -> None:
        self._config = config
        self._events = events
        self.surroundings = surroundings
        self._zookeeper = ZooKeeper()
        self._config_changes = ConfigChanges(events, surroundings.clock_ms)
        self._may_register = trio.Event()
        self._registered = trio.Event()
        self._membership = trio.CancelScope()  # of the latest registration; ends with its session
        self._identity: Identity | None = None
        self.broker: Broker | None = None
        self.connections: Connections | None = None
        self.state = BrokerState.STARTING
        self._monitor: Monitor | None = None
        self._registrar: Registrar | None = None
        self._starting = starting
        self.stopping: str | None = None

    # -- monitoring -------------------------------------------------------------

    async def monitor(self, endpoint: Endpoint, nursery: trio.Nursery) -> None:
        """Listen for a monitoring system, before all else, so that it sees us start."""
        # Who isn't monitored needn't load it: a tenth of a start.
        from broker.monitoring.monitor import Monitor

        self._monitor = Monitor(self, self._events)
        await nursery.start(self._monitor.run, endpoint, self.surroundings.listen)
        self.surroundings = self._monitor.measured(self.surroundings)

    @property
    def not_ready(self) -> str | None:
        """Why clients should go elsewhere; None if they shouldn't."""
        if self.stopping is not None:
            return "stopping"
        if self.broker is None or self.state is not BrokerState.RUNNING:
            return "starting"
        if self.broker.metadata.current.controller_id < 0:
            return "not told yet of the cluster: who asks would learn of no brokers"
        return "not registered in ZooKeeper" if self._membership.cancel_called else None

    # -- with ZooKeeper ---------------------------------------------------------

    async def in_session(self, session: Session, cause: str) -> None:
        """All that is only true while the session lives; cancelled when it's lost."""
        self._zookeeper.opened(session)
        try:
            await self._may_register.wait()
            if self.stopping is not None:
                await trio.sleep_forever()
            assert self.broker is not None
            assert self._registrar is not None
            registration = await self._registrar.register(session, cause)
            self.broker.registered(registration.epoch)
            self._registered.set()
            self._membership = trio.CancelScope()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.broker.features.follow, session)
                nursery.start_soon(
                    follow_config_changes, self.broker, session, self._config_changes
                )
                await self._stand_for_controller(self.broker, session, cause)
        finally:
            self._zookeeper.closed()
            self._membership.cancel()

    async def _stand_for_controller(self, broker: Broker, session: Session, cause: str) -> None:
        config = self._config
        await run_controller_lifecycle(
            session,
            broker.broker_id,
            broker.controller,
            partial(
                open_controller_channel,
                controller_id=broker.broker_id,
                listener=config.control_plane_listener_name or config.inter_broker_listener_name,
                inter_broker_listener=config.inter_broker_listener_name,
                timeout_s=config.controller_socket_timeout_ms / 1000,
                connect=self.surroundings.connect,
            ),
            recorder=self._events,
            clock_ms=broker.clock_ms,
            settings=ControllerSettings(
                delete_topic_enable=config.delete_topic_enable,
                unclean_leader_election_enable=config.unclean_leader_election_enable,
                auto_leader_rebalance_enable=config.auto_leader_rebalance_enable,
                leader_imbalance_check_interval_seconds=(
                    config.leader_imbalance_check_interval_seconds
                ),
                leader_imbalance_per_broker_percentage=(
                    config.leader_imbalance_per_broker_percentage
                ),
            ),
            cause=cause,
        )

    # -- with or without it -----------------------------------------------------

    async def serve(self, shutdown: trio.Event) -> None:
        """From the first session to the end of the shutdown."""
        if await _comes_before(shutdown, self._find_identity):
            broker = await self._prepare()
            self.broker = broker
            await self._serve(broker, shutdown)
            self.state = BrokerState.SHUTTING_DOWN
            await self._close(broker)
            await self._unregister()
        else:
            self.state = BrokerState.SHUTTING_DOWN
            self.stopping = self._events("broker.stopping", cause=self._starting, why="asked to")

    async def _serve(self, broker: Broker, shutdown: trio.Event) -> None:
        """Run all tasks until the shutdown; our leaderships are moved away by then.

        The ports are bound first, so that one in use ends us before anybody hears of us,
        and answer last: a client that came before the controller knows us would be told
        of a cluster without brokers.
        """
        acceptors = await open_endpoints(self._config, self.surroundings.listen)
        async with trio.open_nursery() as nursery:
            await nursery.start(watch_log_directories, broker, self._zookeeper)
            await nursery.start(broker.logs.run)
            await nursery.start(broker.replicas.run)
            await nursery.start(broker.fetchers.run)
            await nursery.start(broker.isr_changes.run)
            await nursery.start(broker.moves.run)
            await nursery.start(broker.producer_ids.run)
            await nursery.start(broker.partition_counts.run)
            await nursery.start(broker.groups.run)
            await nursery.start(broker.transactions.run)
            self._may_register.set()
            registered = await _comes_before(shutdown, self._registered.wait)
            if registered:
                measured = None if self._monitor is None else self._monitor.requests.measured
                self.connections = connections_of(broker)
                listener_of = listeners_of(broker, self.connections, measured)
                for endpoint, acceptor in acceptors:
                    await nursery.start(listener_of(endpoint).serve, acceptor)
                self.state = BrokerState.RUNNING
                await shutdown.wait()
            self.stopping = self._events("broker.stopping", cause=self._starting, why="asked to")
            if registered and self._config.controlled_shutdown_enable:
                self.state = BrokerState.PENDING_CONTROLLED_SHUTDOWN
                with self._membership:
                    await ask_to_leave(broker)
            nursery.cancel_scope.cancel()

    async def _find_identity(self) -> None:
        self._identity = await self._ask(partial(find_identity, self._config))

    async def _ask(self, ask: Callable[[Session], Awaitable[T]]) -> T:
        """What ZooKeeper answers; asked again in the next session if this one is lost over it."""
        while True:
            try:
                return await ask(await self._zookeeper.session())
            except SessionLost:
                await trio.lowlevel.checkpoint()  # until `in_session` has noticed it, too

    async def _prepare(self) -> Broker:
        """Load what we have, now that we know who we are."""
        identity = self._identity
        assert identity is not None
        self._events.broker_id = identity.broker_id
        self._config = attrs.evolve(self._config, broker_id=identity.broker_id)
        config = await self._ask(partial(with_stored_configs, self._config, recorder=self._events))
        broker = build_broker(
            config, identity.cluster_id, self._zookeeper, self._events, self.surroundings
        )
        self._registrar = Registrar(
            BrokerRegistration(
                config.broker_id, config.advertised_listeners, rack=config.broker_rack
            ),
            self._events,
            self.surroundings.clock_ms,
        )
        await identity.lock_and_claim(broker.logs, self.surroundings.disk)
        await self._ask(broker.client_quotas.read_all)
        await self._ask(broker.partition_counts.count)
        self.state = BrokerState.RECOVERY
        await broker.logs.load(await self._ask(broker.configs.all_log_configs), _log_progress)
        self._events.write_to(broker.logs.directories.online[0].path / FILE_NAME)
        await broker.replicas.high_watermarks.load()
        return broker

    async def _close(self, broker: Broker) -> None:
        """Close what is on disk; all tasks that wrote have ended."""
        with trio.CancelScope(shield=True):
            for client in broker.controller_clients:
                client.close()
            await broker.replicas.high_watermarks.write(broker.replicas.partitions.values())
            await broker.logs.aclose(broker.broker_epoch)

    async def _unregister(self) -> None:
        """Delete our registration by hand, so that nobody waits for our session to end."""
        assert self._registrar is not None
        with trio.move_on_after(UNREGISTER_TIMEOUT_S, shield=True):
            try:
                await self._registrar.unregister(await self._zookeeper.session())
            except SessionLost:
                _log.info("the session was lost while stopping: the registration is gone with it")


async def _comes_before(shutdown: trio.Event, wait: Callable[[], Awaitable[object]]) -> bool:
    """True when `wait` has come to its end, False when we're asked to stop before that."""
    came = False
    async with trio.open_nursery() as nursery:

        async def give_up() -> None:
            await shutdown.wait()
            nursery.cancel_scope.cancel()

        nursery.start_soon(give_up)
        await wait()
        came = True
        nursery.cancel_scope.cancel()
    return came


def _log_progress(done: int, total: int) -> None:
    _log.info("loaded %d of %d logs", done, total)
