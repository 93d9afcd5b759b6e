"""The configuration that counts now: this broker's, and that of each topic's logs.

`LiveConfigs` owns it. Whoever wants a property that may change reads `current` when it is used and
keeps nothing; `current` is one frozen value, and a change replaces it whole:

    /config/brokers/<default> ─┐
    /config/brokers/N ─────────┴─ sieve ─▶ current.with_dynamic ─▶ current
    /config/topics/T ──────────────────────── over current ─▶ LogConfig of the topic's logs

What cannot be used is ignored, name by name (`config.ignored` in the trace says which and why); a
config that contradicts the rest of what is set is ignored whole, and the one before stays.

Source: Kafka's `DynamicBrokerConfig` (initialize, updateDefaultConfig, updateBrokerConfig).
"""

from collections.abc import Mapping

import attrs
import trio

from broker.config.broker_config import BrokerConfig, without_effect
from broker.config.dynamic import sieve
from broker.config.topic_configs import InvalidTopicConfigError, log_config
from broker.config.values import ConfigError
from broker.log.log_config import LogConfig
from broker.wire.errors import ErrorCode, KafkaError
from broker.zookeeper import ZooKeeper
from coordination import znodes
from coordination.configs import read_config
from coordination.store import Session
from coordination.values import Recorder
from coordination.znodes import BadZnode, paths


@attrs.define(eq=False)
class LiveConfigs:
    """`current` is what the broker runs with, at any time."""

    current: BrokerConfig
    zookeeper: ZooKeeper
    recorder: Recorder

    # -- the broker's -----------------------------------------------------------

    async def broker_config_changed(self, entity: str) -> None:
        """Apply /config/`entity`, `brokers/<default>` or `brokers/N` of this broker, as it is."""
        try:
            stored = await read_config(await self.session(), entity)
        except BadZnode as error:
            self.recorder("config.ignored", entity=entity, why=error.why)
            return
        self.current = apply_broker_configs(self.current, entity, stored, self.recorder)

    # -- a topic's --------------------------------------------------------------

    async def overrides(self, topic: str) -> dict[str, str]:
        """The topic's own configs, as /config/topics/T has them. Raises BadZnode."""
        return await read_config(await self.session(), paths.topic_entity(topic))

    async def changed_log_config(self, topic: str) -> LogConfig | None:
        """What the topic's logs are to run with; None if what is stored cannot be used."""
        entity = paths.topic_entity(topic)
        try:
            return log_config(self.current, await self.overrides(topic))
        except (BadZnode, InvalidTopicConfigError) as error:
            self.recorder("config.ignored", entity=entity, why=str(error))
            return None

    async def log_config(self, topic: str) -> LogConfig:
        """What a new log of the topic runs with: the broker's defaults if there is nothing else."""
        return await self.changed_log_config(topic) or log_config(self.current, {})

    async def all_log_configs(self, session: Session) -> dict[str, LogConfig]:
        """`log_config` of every topic with overrides: what the logs are loaded with."""
        topics = await session.children(paths.config("topics"))
        nodes = await session.get_many([paths.config(paths.topic_entity(t)) for t in topics])
        found = {}
        for topic, node in zip(topics, nodes, strict=True):
            entity = paths.topic_entity(topic)
            try:
                overrides = {} if node is None else znodes.decode_config(entity, node)
                found[topic] = log_config(self.current, overrides)
            except (BadZnode, InvalidTopicConfigError) as error:
                self.recorder("config.ignored", entity=entity, why=str(error))
        return found

    async def session(self) -> Session:
        """The session we have, or get soon; raises `KafkaError` REQUEST_TIMED_OUT."""
        with trio.move_on_after(self.current.request_timeout_ms / 1000):
            return await self.zookeeper.session()
        raise KafkaError(ErrorCode.REQUEST_TIMED_OUT, "This broker has no ZooKeeper session now.")


async def with_stored_configs(
    config: BrokerConfig, session: Session, recorder: Recorder
) -> BrokerConfig:
    """What the broker `config.broker_id` starts with: its file, under what ZooKeeper holds."""
    for entity in (paths.broker_entity(None), paths.broker_entity(config.broker_id)):
        try:
            stored = await read_config(session, entity)
        except BadZnode as error:
            recorder("config.ignored", entity=entity, why=error.why)
        else:
            config = apply_broker_configs(config, entity, stored, recorder)
    return config


def apply_broker_configs(
    current: BrokerConfig, entity: str, stored: Mapping[str, str], recorder: Recorder
) -> BrokerConfig:
    """`current`, with what is stored for all brokers or for this one (`entity`) anew."""
    per_broker = entity != paths.broker_entity(None)
    usable, complaints = sieve(stored, per_broker=per_broker)
    for why in complaints:
        recorder("config.ignored", entity=entity, why=why)
    before = current.dynamic.broker if per_broker else current.dynamic.default
    names = changed_names(before, usable)
    if not names:
        return current
    try:
        changed = current.with_dynamic(current.dynamic.replaced(usable, per_broker=per_broker))
    except ConfigError as error:
        recorder("config.ignored", entity=entity, why=str(error))
        return current
    recorder("config.applied", entity=entity, names=names, without_effect=without_effect(names))
    return changed


def changed_names(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names that are set otherwise than before."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
