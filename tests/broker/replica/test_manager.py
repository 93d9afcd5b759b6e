"""Finding replicas and the names of their topics."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from broker.control.metadata_cache import MetadataCache
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition
from tests.broker.replica.support import TOPIC_ID, open_partition


class NoCheckpoints:
    def at_start(self, topic_partition: TopicPartition) -> int:
        return 0

    def watch(self, partition: Partition) -> None: ...

    def unwatch(self, partition: Partition) -> None: ...


@pytest.fixture
def replicas(tmp_path: Path) -> ReplicaManager:
    stand_in: Any = SimpleNamespace(replica_lag_time_max_ms=30_000)
    high_watermarks: Any = NoCheckpoints()
    unused: Any = None
    manager = ReplicaManager(1, stand_in, unused, high_watermarks, MetadataCache(), unused, unused)
    for index in (0, 1):
        log = open_partition(tmp_path, partition=index).log
        manager.add(TopicPartition("t", index), TOPIC_ID, log)
    return manager


async def test_a_topic_is_known_by_its_id_before_the_metadata_come(
    replicas: ReplicaManager,
) -> None:
    assert replicas.metadata.current.topic_names == {}
    assert replicas.topic_name(TOPIC_ID) == "t"
    replicas.remove(TopicPartition("t", 0))
    assert replicas.topic_name(TOPIC_ID) == "t", "another replica of it is still here"
    replicas.remove(TopicPartition("t", 1))
    assert replicas.topic_name(TOPIC_ID) is None


class OnlyLookedUp(dict[TopicPartition, Partition]):
    def values(self) -> Any:
        raise AssertionError("all replicas are looked at")

    __iter__ = values


async def test_to_remove_one_no_other_is_looked_at(replicas: ReplicaManager) -> None:
    """A topic of thousands goes one by one."""
    replicas.partitions = OnlyLookedUp(replicas.partitions)
    replicas.remove(TopicPartition("t", 1))
    replicas.remove(TopicPartition("t", 1))
    assert replicas.topic_name(TOPIC_ID) == "t"


async def test_the_topic_of_a_replica_that_is_offline_keeps_its_name(
    replicas: ReplicaManager,
) -> None:
    """Who asks for it by its id hears of the failed log directory."""
    replicas.take_offline(TopicPartition("t", 0))
    replicas.remove(TopicPartition("t", 1))
    assert replicas.topic_name(TOPIC_ID) == "t"


async def test_another_topic_of_the_same_name_is_not_found(replicas: ReplicaManager) -> None:
    assert replicas.find(TopicPartition("t", 0), TOPIC_ID).topic_id == TOPIC_ID
    with pytest.raises(KafkaError) as refused:
        replicas.find(TopicPartition("t", 0), UUID(int=8))
    assert refused.value.code is ErrorCode.INCONSISTENT_TOPIC_ID
    with pytest.raises(KafkaError) as refused:
        replicas.find(TopicPartition("t", 9))
    assert refused.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
