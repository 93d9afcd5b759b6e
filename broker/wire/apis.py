"""Kafka's APIs: their keys, and which versions of each we speak.

`API_TABLE` is what ApiVersions advertises and what `framing` goes by.  To add an API, write its
messages (`messages/foo.py` with `FooRequest` and `FooResponse`) and add its row here.  A message
module is imported when its API is first used, so that a broker starts fast.

The versions are those of a 3.9 broker in ZooKeeper mode.
"""

import importlib
from enum import IntEnum
from typing import Any, Final

import attrs

from broker.wire.schema import Versions


class ApiKey(IntEnum):
    """The number at the head of every request (`org.apache.kafka.common.protocol.ApiKeys`)."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    LEADER_AND_ISR = 4
    STOP_REPLICA = 5
    UPDATE_METADATA = 6
    CONTROLLED_SHUTDOWN = 7
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    SASL_HANDSHAKE = 17
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    OFFSET_FOR_LEADER_EPOCH = 23
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    WRITE_TXN_MARKERS = 27
    TXN_OFFSET_COMMIT = 28
    DESCRIBE_ACLS = 29
    CREATE_ACLS = 30
    DELETE_ACLS = 31
    DESCRIBE_CONFIGS = 32
    ALTER_CONFIGS = 33
    ALTER_REPLICA_LOG_DIRS = 34
    DESCRIBE_LOG_DIRS = 35
    SASL_AUTHENTICATE = 36
    CREATE_PARTITIONS = 37
    CREATE_DELEGATION_TOKEN = 38
    RENEW_DELEGATION_TOKEN = 39
    EXPIRE_DELEGATION_TOKEN = 40
    DESCRIBE_DELEGATION_TOKEN = 41
    DELETE_GROUPS = 42
    ELECT_LEADERS = 43
    INCREMENTAL_ALTER_CONFIGS = 44
    ALTER_PARTITION_REASSIGNMENTS = 45
    LIST_PARTITION_REASSIGNMENTS = 46
    OFFSET_DELETE = 47
    DESCRIBE_CLIENT_QUOTAS = 48
    ALTER_CLIENT_QUOTAS = 49
    DESCRIBE_USER_SCRAM_CREDENTIALS = 50
    ALTER_USER_SCRAM_CREDENTIALS = 51
    ALTER_PARTITION = 56
    UPDATE_FEATURES = 57
    ENVELOPE = 58
    DESCRIBE_CLUSTER = 60
    DESCRIBE_PRODUCERS = 61
    DESCRIBE_TRANSACTIONS = 65
    LIST_TRANSACTIONS = 66
    ALLOCATE_PRODUCER_IDS = 67
    CONSUMER_GROUP_HEARTBEAT = 68
    CONSUMER_GROUP_DESCRIBE = 69


@attrs.frozen
class Api:
    """One API: how it is called, and in which versions it is spoken.

    FooBar has its messages FooBarRequest and FooBarResponse in `messages/foo_bar.py`.
    """

    key: ApiKey
    name: str
    versions: Versions
    flexible: Versions
    min_version: int  # advertised
    max_version: int

    @property
    def request_class(self) -> type[Any]:
        """The class of its request; imports it."""
        return self._load("Request")

    @property
    def response_class(self) -> type[Any]:
        """The class of its response; imports it."""
        return self._load("Response")

    def _load(self, suffix: str) -> type[Any]:
        module = importlib.import_module(f"broker.wire.messages.{self.key.name.lower()}")
        cls: type[Any] = getattr(module, self.name + suffix)
        return cls

    def request_header_version(self, version: int) -> int:
        """0 to 2; what each has in it is drawn in `framing`."""
        if self.key is ApiKey.CONTROLLED_SHUTDOWN and version == 0:
            return 0  # the only request that names no client
        return 2 if version in self.flexible else 1

    def response_header_version(self, version: int) -> int:
        """0 or 1.  ApiVersions keeps to 0: its reader may not know the version (KIP-511)."""
        return 1 if version in self.flexible and self.key is not ApiKey.API_VERSIONS else 0


def _row(key: ApiKey, name: str, versions: str, flexible: str) -> Api:
    spoken = Versions.parse(versions)
    assert spoken.last is not None
    return Api(
        key=key,
        name=name,
        versions=spoken,
        flexible=Versions.parse(flexible),
        min_version=spoken.first,
        max_version=spoken.last,
    )


API_TABLE: Final[dict[int, Api]] = {
    api.key: api
    for api in (
        _row(ApiKey.PRODUCE, "Produce", "0-11", "9+"),
        _row(ApiKey.FETCH, "Fetch", "0-17", "12+"),
        _row(ApiKey.LIST_OFFSETS, "ListOffsets", "0-9", "6+"),
        _row(ApiKey.METADATA, "Metadata", "0-12", "9+"),
        _row(ApiKey.LEADER_AND_ISR, "LeaderAndIsr", "0-7", "4+"),
        _row(ApiKey.STOP_REPLICA, "StopReplica", "0-4", "2+"),
        _row(ApiKey.UPDATE_METADATA, "UpdateMetadata", "0-8", "6+"),
        _row(ApiKey.CONTROLLED_SHUTDOWN, "ControlledShutdown", "0-3", "3+"),
        _row(ApiKey.OFFSET_COMMIT, "OffsetCommit", "0-9", "8+"),
        _row(ApiKey.OFFSET_FETCH, "OffsetFetch", "0-9", "6+"),
        _row(ApiKey.FIND_COORDINATOR, "FindCoordinator", "0-6", "3+"),
        _row(ApiKey.JOIN_GROUP, "JoinGroup", "0-9", "6+"),
        _row(ApiKey.HEARTBEAT, "Heartbeat", "0-4", "4+"),
        _row(ApiKey.LEAVE_GROUP, "LeaveGroup", "0-5", "4+"),
        _row(ApiKey.SYNC_GROUP, "SyncGroup", "0-5", "4+"),
        _row(ApiKey.DESCRIBE_GROUPS, "DescribeGroups", "0-5", "5+"),
        _row(ApiKey.LIST_GROUPS, "ListGroups", "0-5", "3+"),
        _row(ApiKey.API_VERSIONS, "ApiVersions", "0-4", "3+"),
        _row(ApiKey.CREATE_TOPICS, "CreateTopics", "0-7", "5+"),
        _row(ApiKey.DELETE_TOPICS, "DeleteTopics", "0-6", "4+"),
        _row(ApiKey.DELETE_RECORDS, "DeleteRecords", "0-2", "2+"),
        _row(ApiKey.INIT_PRODUCER_ID, "InitProducerId", "0-5", "2+"),
        _row(ApiKey.OFFSET_FOR_LEADER_EPOCH, "OffsetForLeaderEpoch", "0-4", "4+"),
        _row(ApiKey.ADD_PARTITIONS_TO_TXN, "AddPartitionsToTxn", "0-5", "3+"),
        _row(ApiKey.ADD_OFFSETS_TO_TXN, "AddOffsetsToTxn", "0-4", "3+"),
        _row(ApiKey.END_TXN, "EndTxn", "0-4", "3+"),
        _row(ApiKey.WRITE_TXN_MARKERS, "WriteTxnMarkers", "0-1", "1+"),
        _row(ApiKey.TXN_OFFSET_COMMIT, "TxnOffsetCommit", "0-4", "3+"),
        _row(ApiKey.DESCRIBE_CONFIGS, "DescribeConfigs", "0-4", "4+"),
        _row(ApiKey.ALTER_CONFIGS, "AlterConfigs", "0-2", "2+"),
        _row(ApiKey.ALTER_REPLICA_LOG_DIRS, "AlterReplicaLogDirs", "0-2", "2+"),
        _row(ApiKey.DESCRIBE_LOG_DIRS, "DescribeLogDirs", "0-4", "2+"),
        _row(ApiKey.CREATE_PARTITIONS, "CreatePartitions", "0-3", "2+"),
        _row(ApiKey.DELETE_GROUPS, "DeleteGroups", "0-2", "2+"),
        _row(ApiKey.ELECT_LEADERS, "ElectLeaders", "0-2", "2+"),
        _row(ApiKey.INCREMENTAL_ALTER_CONFIGS, "IncrementalAlterConfigs", "0-1", "1+"),
        _row(ApiKey.ALTER_PARTITION_REASSIGNMENTS, "AlterPartitionReassignments", "0", "0+"),
        _row(ApiKey.LIST_PARTITION_REASSIGNMENTS, "ListPartitionReassignments", "0", "0+"),
        _row(ApiKey.OFFSET_DELETE, "OffsetDelete", "0", "none"),
        _row(ApiKey.DESCRIBE_CLIENT_QUOTAS, "DescribeClientQuotas", "0-1", "1+"),
        _row(ApiKey.ALTER_CLIENT_QUOTAS, "AlterClientQuotas", "0-1", "1+"),
        _row(ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS, "DescribeUserScramCredentials", "0", "0+"),
        _row(ApiKey.ALTER_USER_SCRAM_CREDENTIALS, "AlterUserScramCredentials", "0", "0+"),
        _row(ApiKey.ALTER_PARTITION, "AlterPartition", "0-3", "0+"),
        _row(ApiKey.UPDATE_FEATURES, "UpdateFeatures", "0-1", "0+"),
        _row(ApiKey.ENVELOPE, "Envelope", "0", "0+"),
        _row(ApiKey.DESCRIBE_CLUSTER, "DescribeCluster", "0-1", "0+"),
        _row(ApiKey.DESCRIBE_PRODUCERS, "DescribeProducers", "0", "0+"),
        _row(ApiKey.DESCRIBE_TRANSACTIONS, "DescribeTransactions", "0", "0+"),
        _row(ApiKey.LIST_TRANSACTIONS, "ListTransactions", "0-1", "0+"),
        _row(ApiKey.ALLOCATE_PRODUCER_IDS, "AllocateProducerIds", "0", "0+"),
        _row(ApiKey.CONSUMER_GROUP_HEARTBEAT, "ConsumerGroupHeartbeat", "0", "0+"),
        _row(ApiKey.CONSUMER_GROUP_DESCRIBE, "ConsumerGroupDescribe", "0", "0+"),
    )
}
