"""A log directory fails while the broker runs: what was in it is given up, the rest goes on.

    any I/O error ──► Storage.failed         every log of the directory refuses from here on
                          │
                          ▼
         partitions     offline: no role, no fetcher, KAFKA_STORAGE_ERROR to whoever asks
         moves to it    given up
         logs           forgotten, their files let go of, the directory unlocked
         controller     told by /log_dir_event_notification; it asks by LeaderAndIsr which
                        replicas are offline, and moves what they led

The ISRs that an offline leader had are not touched: its followers lag because it can't be read, and
it's for the controller to elect one of them. When the last directory fails the broker ends, as
Kafka halts: it has nothing left to serve.

Kafka: LogDirFailureHandler, ReplicaManager.handleLogDirFailure (KIP-112).
"""

import logging

import trio

from broker.broker import Broker
from broker.log.log_directories import ALL_FAILED
from broker.log.log_directory import LogDirectory
from broker.replica.control import RoleChanges
from broker.zookeeper import ZooKeeper
from coordination.log_dir_events import notify_log_dir_failure
from coordination.store import StoreError

_log = logging.getLogger(__name__)

# ZooKeeper may be away just now; the controller must hear of it all the same.
RETRY_S = 1.0


async def watch_log_directories(
    broker: Broker,
    zookeeper: ZooKeeper,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Until cancelled; raises `BrokerFailure` when no directory is left. Started: at once."""
    async with trio.open_nursery() as nursery:
        for directory in broker.logs.directories.all:
            # Of one that is offline already the first LeaderAndIsr's answer tells.
            nursery.start_soon(_watch, broker, zookeeper, directory, directory.is_online)
        task_status.started()


async def _watch(
    broker: Broker, zookeeper: ZooKeeper, directory: LogDirectory, announce: bool
) -> None:
    await directory.storage.failed.wait()
    give_up(broker, directory)
    broker.logs.directories.check_any_online(ALL_FAILED)
    if announce:
        await _announce(broker, zookeeper)


def give_up(broker: Broker, directory: LogDirectory) -> None:
    """Stop serving what is in a directory that has failed."""
    replicas = broker.replicas
    broker.moves.directory_failed(directory)
    lost = [p for p in replicas.partitions.values() if p.log.directory.parent == directory.path]
    for partition in lost:
        replicas.take_offline(partition.topic_partition)
    broker.logs.directory_failed(directory)
    failed = broker.events(
        "log_directory.failed",
        directory=directory.path,
        why=str(directory.storage.failure),
        partitions=[str(partition.topic_partition) for partition in lost],
    )
    broker.roles_changed(RoleChanges(stopped=dict.fromkeys(lost, failed)))


async def _announce(broker: Broker, zookeeper: ZooKeeper) -> None:
    while True:
        try:
            await notify_log_dir_failure(await zookeeper.session(), broker.broker_id)
        except StoreError as error:
            _log.warning("the controller can't be told of a failed log directory: %s", error)
            await trio.sleep(RETRY_S)
        else:
            return
