"""Who this broker is: the cluster's id and its own, agreed on by ZooKeeper and the log directories.

    cluster id   /cluster/id; the first broker ever makes it
    broker id    broker.id, else what meta.properties say, else a new one by /brokers/seqid

A log directory of another broker or another cluster ends the broker before
anything is served or written; one that can't be read is offline. Kafka:
KafkaServer.startup, getOrGenerateBrokerId, MetaPropertiesEnsemble.
"""

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

import attrs

from broker.config.broker_config import BrokerConfig
from broker.failure import BrokerFailure
from broker.log.disk import Disk
from broker.log.log_manager import LogManager
from broker.meta_properties import (
    MetaProperties,
    UnreadableMetaProperties,
    load_meta_properties,
    stored_broker_id,
    verify,
    write_meta_properties,
)
from coordination.registration import cluster_id, create_persistent_paths, generate_broker_id
from coordination.store import Session


@attrs.frozen
class Identity:
    """`stored` is what the log directories said, `unreadable` why some of them didn't."""

    broker_id: int
    cluster_id: str
    stored: Mapping[Path, MetaProperties | None]
    unreadable: Mapping[Path, UnreadableMetaProperties]

    async def lock_and_claim(self, logs: LogManager, disk: Disk) -> None:
        """Lock the log directories, and complete `meta.properties` in each.

        What can't be read, locked or written is offline from now on. Raises `BrokerFailure` for
        what the user must mend, and when no directory is left.
        """
        for path, why in self.unreadable.items():
            logs.directories.at(path).storage.fail(why)
        await logs.lock()  # before anything is written into one
        for directory in logs.directories.online:
            try:
                write_meta_properties(
                    disk,
                    directory.path,
                    self.stored[directory.path],
                    self.broker_id,
                    self.cluster_id,
                )
            except OSError as error:
                directory.storage.fail(error)


async def find_identity(config: BrokerConfig, session: Session) -> Identity:
    """Ask the log directories and ZooKeeper; raises `BrokerFailure` if they disagree."""
    stored: dict[Path, MetaProperties | None] = {}
    unreadable: dict[Path, UnreadableMetaProperties] = {}
    for path in config.log_dirs:
        try:
            stored[path] = load_meta_properties(path)
        except UnreadableMetaProperties as error:
            unreadable[path] = error
    await create_persistent_paths(session)
    cluster = await cluster_id(session, _random_uuid)
    verify(stored, None if config.broker_id < 0 else config.broker_id, cluster)
    broker_id = await _broker_id(config, session, stored)
    return Identity(broker_id, cluster, stored, unreadable)


async def _broker_id(
    config: BrokerConfig, session: Session, stored: Mapping[Path, MetaProperties | None]
) -> int:
    if config.broker_id >= 0:
        return config.broker_id
    known = stored_broker_id(stored)
    if known is not None:
        return known
    if not config.broker_id_generation_enable:
        raise BrokerFailure("broker.id is not set, and broker.id.generation.enable is false")
    return await generate_broker_id(session, config.reserved_broker_max_id)


def _random_uuid() -> str:
    """16 random bytes as Kafka writes a Uuid: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()
