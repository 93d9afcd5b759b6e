"""What a broker stands in: ZooKeeper, the network, the disk, time and chance.

Everything that a broker meets outside itself is passed in, so that a test can
put three brokers into one process, on memory streams, a ZooKeeper in memory and
a clock that it turns itself. `real_surroundings` is the world.
"""

import random
import time
from collections.abc import Awaitable, Callable

import attrs

from broker.config.broker_config import BrokerConfig
from broker.log.cleaner.worker import StartWorker, child_process
from broker.log.disk import Disk, RealDisk
from broker.network.peers import Connect
from broker.network.transport import Acceptor, connect_tcp, listen_tcp
from coordination.kazoo_store import KazooStore
from coordination.store import Store
from coordination.values import Recorder

# host, port, backlog -> a listening socket, or what takes its place; raises OSError.
Listen = Callable[[str, int, int], Awaitable[Acceptor]]


@attrs.frozen
class Surroundings:
    """`clock_ms` is wall-clock time, in ms since 1970; waiting goes by trio's clock."""

    store: Store
    listen: Listen
    connect: Connect
    disk: Disk
    clock_ms: Callable[[], int]
    randomness: random.Random
    start_cleaner: StartWorker = child_process


def real_surroundings(config: BrokerConfig, recorder: Recorder) -> Surroundings:
    return Surroundings(
        store=KazooStore(
            str(config.zookeeper_connect),
            session_timeout_ms=config.zookeeper_session_timeout_ms,
            recorder=recorder,
        ),
        listen=listen_tcp,
        connect=connect_tcp,
        disk=RealDisk(),
        clock_ms=lambda: time.time_ns() // 1_000_000,
        randomness=random.Random(),
    )
