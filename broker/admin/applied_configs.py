"""Changed configs, applied while the broker runs.

    topics/T                        the logs of the topic, at once
    brokers/<default>, brokers/N    the broker's own configuration, and what topics inherit from it
    users/.., clients/.., ips/..    the quotas that this broker knows

A change is read while no LeaderAndIsr is being obeyed: otherwise a log that is just being made
would get the config that was read for it before (KAFKA-8813).

Source: Kafka's `ZkConfigManager`, `TopicConfigHandler`, `BrokerConfigHandler`, `DynamicLogConfig`.
"""

from functools import partial

import trio

from broker.admin.live_configs import changed_names
from broker.broker import Broker
from broker.config.topic_configs import (
    cleaner_config,
    log_config,
    producer_config,
    topic_configs_without_effect,
)
from coordination.configs import ConfigChanges
from coordination.store import Session
from coordination.znodes import paths

# Changed entities that may wait to be read again: a name is short, a burst of changes large.
CHANGES_QUEUED = 1_000


async def follow_config_changes(broker: Broker, session: Session, changes: ConfigChanges) -> None:
    """Apply every change, as long as the session lives."""
    send, receive = trio.open_memory_channel[str](CHANGES_QUEUED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(changes.follow, session, send)
        async for entity in receive:
            async with broker.replicas.control_order:
                await apply_config_change(broker, entity)


async def apply_config_change(broker: Broker, entity: str) -> None:
    """Take over the config of `entity`, such as `topics/orders`, as ZooKeeper has it now."""
    kind, _, name = entity.partition("/")
    if kind == "topics":
        await _apply_topic_config(broker, name)
    elif entity in (paths.broker_entity(None), paths.broker_entity(broker.broker_id)):
        before = broker.config
        await broker.configs.broker_config_changed(entity)
        if broker.config is not before:
            broker.logs.reconfigure(
                partial(log_config, broker.config),
                producer_config(broker.config),
                cleaner_config(broker.config),
            )
    else:
        await broker.client_quotas.config_changed(entity)


async def _apply_topic_config(broker: Broker, topic: str) -> None:
    after = await broker.configs.changed_log_config(topic)
    log = next((log for tp, log in broker.logs.logs.items() if tp.topic == topic), None)
    if after is None or log is None:
        return
    names = changed_names(log.config.overrides, after.overrides)
    broker.logs.update_config(topic, after)
    broker.events(
        "config.applied",
        entity=paths.topic_entity(topic),
        names=names,
        without_effect=topic_configs_without_effect(names),
    )
