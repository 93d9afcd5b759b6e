"""Changed configs reach what runs: logs, the broker's own values, what topics inherit."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from broker.admin.applied_configs import apply_config_change
from broker.admin.live_configs import with_stored_configs
from broker.broker import Broker
from broker.config import BrokerConfig
from broker.events import EventLog
from broker.log.log_config import LogConfig
from coordination.configs import change_config
from coordination.znodes import paths
from tests.broker.support import lead, open_broker, tp

ALL, OWN = "brokers/<default>", "brokers/1"


async def change(broker: Broker, entity: str, configs: Mapping[str, str]) -> None:
    """As somebody's write, and the notification of it."""
    await change_config(await broker.configs.session(), entity, lambda _before: configs)
    await apply_config_change(broker, entity)


def log_config_of(broker: Broker, partition: str) -> LogConfig:
    log = broker.logs.get(tp(partition))
    assert log is not None
    return log.config


def told(broker: Broker, kind: str) -> list[Mapping[str, object]]:
    assert isinstance(broker.events, EventLog)
    return [event.facts for event in broker.events.recent if event.kind == kind]


async def test_a_topics_own_configs(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await lead(broker, "other-0")
        everything = {
            "retention.ms": "5",
            "preallocate": "true",
            "segment.bytes": "1000",
            "min.insync.replicas": "2",
            "max.message.bytes": "77",
            "unclean.leader.election.enable": "true",
            "cleanup.policy": "compact,delete",
            "leader.replication.throttled.replicas": "0:1,1:2",
            "follower.replication.throttled.replicas": "*",
        }
        await change(broker, "topics/t", everything)
        config = log_config_of(broker, "t-0")
        assert (config.retention_ms, config.segment_bytes) == (5, 1000)
        assert (config.min_insync_replicas, config.max_message_bytes) == (2, 77)
        assert config.unclean_leader_election_enable
        assert config.cleanup_policy == {"compact", "delete"}
        assert config.leader_replication_throttled_replicas.includes(0, 1)
        assert not config.leader_replication_throttled_replicas.includes(0, 2)
        assert config.follower_replication_throttled_replicas.includes(7, 7)
        assert log_config_of(broker, "other-0") == LogConfig()

        await change(broker, "topics/t", {"retention.ms": "5"})
        assert log_config_of(broker, "t-0").segment_bytes == LogConfig().segment_bytes
        assert told(broker, "config.applied") == [
            {"entity": "topics/t", "names": sorted(names), "without_effect": ["preallocate"]}
            for names in (everything, everything.keys() - {"retention.ms"})
        ]


async def test_the_brokers_defaults_reach_topics_that_do_not_say_otherwise(tmp_path: Path) -> None:
    async with open_broker(tmp_path, log_retention_hours="1") as broker:
        await lead(broker, "plain-0")
        await lead(broker, "own-0")
        await change(broker, "topics/own", {"retention.ms": "5"})
        await change(broker, ALL, {"log.retention.ms": "6", "message.max.bytes": "88"})
        assert log_config_of(broker, "plain-0").retention_ms == 6
        assert log_config_of(broker, "own-0").retention_ms == 5
        assert log_config_of(broker, "own-0").max_message_bytes == 88
        await change(broker, OWN, {"log.retention.ms": "7", "producer.id.expiration.ms": "99"})
        assert log_config_of(broker, "plain-0").retention_ms == 7
        await lead(broker, "later-0")
        assert log_config_of(broker, "later-0").retention_ms == 7
        log = broker.logs.get(tp("own-0"))
        assert log is not None
        assert log.producers.config.expiration_ms == 99

        await change(broker, OWN, {})
        await change(broker, ALL, {})
        for partition in ("plain-0", "later-0"):
            assert log_config_of(broker, partition).retention_ms == 3_600_000
        assert log_config_of(broker, "own-0").retention_ms == 5
        assert broker.config == broker.config.with_dynamic(broker.config.dynamic)
        assert broker.config.dynamic.default == broker.config.dynamic.broker == {}


async def test_what_is_read_at_use(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await change(
            broker,
            OWN,
            {
                "leader.replication.throttled.rate": "1000",
                "follower.replication.throttled.rate": "2000",
                "unclean.leader.election.enable": "true",
                "max.connections.per.ip": "3",
            },
        )
        config = broker.config
        assert config.leader_replication_throttled_rate == 1000
        assert config.follower_replication_throttled_rate == 2000
        assert config.unclean_leader_election_enable
        assert config.max_connections_per_ip == 3


async def test_what_is_only_stored_is_said(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        used = {"log.retention.ms": "5", "leader.replication.throttled.rate": "6"}
        used |= {"listener.name.x.max.connection.creation.rate": "7"}
        used |= {"listener.name.x.max.connections": "8"}
        only_stored = {"num.io.threads": "9", "listeners": "PLAINTEXT://x:1", "my.own": "x"}
        await change(broker, OWN, used | only_stored)
        [applied] = told(broker, "config.applied")
        assert applied["names"] == sorted(used | only_stored)
        assert applied["without_effect"] == sorted(only_stored)


async def test_another_brokers_configs_are_its_own(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        before = broker.config
        await change(broker, "brokers/2", {"log.retention.ms": "7"})
        assert broker.config is before


@pytest.mark.parametrize(
    ("entity", "data", "why"),
    [
        (OWN, b'{"version":1,"config":{"log.retention.ms":"soon"}}', "Not a number of type LONG"),
        (OWN, b'{"version":1,"config":{"broker.id":"5"}}', "broker.id: cannot change"),
        (OWN, b"garbage", "not JSON"),
        (ALL, b'{"version":1,"config":{"log.cleaner.dedupe.buffer.size":"5"}}', "at least 1MB"),
        ("topics/t", b'{"version":1,"config":{"retention.ms":"soon"}}', "Not a number of type"),
        ("topics/t", b'{"version":1}', "config: expected an object"),
    ],
)
async def test_what_somebody_wrote_by_hand_is_named_and_ignored(
    tmp_path: Path, entity: str, data: bytes, why: str
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await change(broker, "topics/t", {"retention.ms": "5"})
        await change(broker, entity, {"x": "1"} if entity != "topics/t" else {"retention.ms": "5"})
        before, before_log = broker.config, log_config_of(broker, "t-0")
        session = await broker.configs.session()
        await session.set(paths.config(entity), data)
        await apply_config_change(broker, entity)
        [ignored] = told(broker, "config.ignored")
        assert ignored["entity"] == entity
        assert why in str(ignored["why"])
        assert log_config_of(broker, "t-0") == before_log
        assert broker.config.log_retention_ms == before.log_retention_ms
        assert broker.config.broker_id == 1


async def test_of_several_names_only_the_wrong_one_is_ignored(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await change(broker, OWN, {"log.retention.ms": "soon", "log.segment.bytes": "1000"})
        assert broker.config.log_segment_bytes == 1000
        assert broker.config.log_retention_ms == LogConfig().retention_ms


async def test_what_is_stored_counts_from_the_start(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        session = await broker.configs.session()
        for entity, configs in {
            ALL: {"log.retention.ms": "6", "log.segment.bytes": "1000", "broker.id": "9"},
            OWN: {"log.retention.ms": "7", "num.io.threads": "500"},
            "topics/t": {"retention.ms": "8"},
            "topics/bad": {"retention.ms": "soon"},
        }.items():
            await change_config(session, entity, lambda _before, configs=configs: configs)  # type: ignore[misc]
        events = EventLog(1)
        config = await with_stored_configs(broker.config, session, events)
        assert (config.log_retention_ms, config.log_segment_bytes) == (7, 1000)
        assert config.broker_id == 1
        assert [event.kind for event in events.recent] == [
            "config.ignored", "config.applied", "config.applied",
        ]  # fmt: skip
        broker.configs.current = config
        configs = await broker.configs.all_log_configs(session)
        assert configs["t"].retention_ms == 8
        assert configs["t"].segment_bytes == 1000
        assert "bad" not in configs
        [ignored] = told(broker, "config.ignored")
        assert ignored["entity"] == "topics/bad"


def test_a_config_is_one_value() -> None:
    config = BrokerConfig.from_properties({"zookeeper.connect": "zk:2181"})
    with pytest.raises(AttributeError):
        config.log_retention_ms = 5  # type: ignore[misc]
