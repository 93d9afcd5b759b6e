"""Whoever may nothing: what each API asks the authorizer for, and the error code it answers.

The table of permissions is held to the handlers: each of its rows is asked for by a case here, and
a question without a row is an assertion in `needed`. The codes are Kafka's, see `KafkaApis`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import pytest
from trio.testing import MockClock

from broker.api.context import RequestContext
from broker.api.permissions import CLUSTER_NAME, NEEDS, Operation, Resource
from broker.broker import Broker
from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import (
    add_offsets_to_txn,
    add_partitions_to_txn,
    allocate_producer_ids,
    alter_client_quotas,
    alter_configs,
    alter_partition,
    alter_replica_log_dirs,
    controlled_shutdown,
    create_partitions,
    create_topics,
    delete_groups,
    delete_records,
    delete_topics,
    describe_client_quotas,
    describe_configs,
    describe_groups,
    describe_log_dirs,
    describe_producers,
    describe_transactions,
    elect_leaders,
    end_txn,
    fetch,
    find_coordinator,
    heartbeat,
    incremental_alter_configs,
    init_producer_id,
    join_group,
    leader_and_isr,
    leave_group,
    list_offsets,
    metadata,
    offset_commit,
    offset_delete,
    offset_fetch,
    offset_for_leader_epoch,
    produce,
    stop_replica,
    sync_group,
    txn_offset_commit,
    update_features,
    update_metadata,
    write_txn_markers,
)
from broker.wire.messages import alter_partition_reassignments as reassign
from broker.wire.messages import alter_user_scram_credentials as alter_scram
from broker.wire.messages import describe_user_scram_credentials as scram
from broker.wire.messages import list_partition_reassignments as reassigning
from broker.wire.messages.api_versions import ApiVersionsRequest
from broker.wire.messages.describe_cluster import DescribeClusterRequest
from broker.wire.messages.list_groups import ListGroupsRequest
from broker.wire.messages.metadata import MetadataRequest
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.replica.support import batch
from tests.broker.support import call, know, lead, open_broker, take_the_controllers_seat, topic_id

OP, R = Operation, Resource
Question = tuple[Operation, Resource, str]

CLUSTER_ACTION: Question = (OP.CLUSTER_ACTION, R.CLUSTER, CLUSTER_NAME)
READ_GROUP: Question = (OP.READ, R.GROUP, "g")
DESCRIBE_GROUP: Question = (OP.DESCRIBE, R.GROUP, "g")
NO_TOPIC = ErrorCode.TOPIC_AUTHORIZATION_FAILED
NO_GROUP = ErrorCode.GROUP_AUTHORIZATION_FAILED
NO_CLUSTER = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
NO_TRANSACTIONAL_ID = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


@attrs.frozen
class Strict:
    """An authorizer that allows these operations only, and notes what it's asked for."""

    allowed: frozenset[Question]
    asked: list[Question]

    def __call__(
        self, _context: RequestContext, operation: Operation, resource: Resource, name: str
    ) -> bool:
        self.asked.append((operation, resource, name))
        return self.asked[-1] in self.allowed


@attrs.frozen
class Case:
    """`asked` is all that the authorizer hears, of which it allows `allowed`."""

    request: Any
    version: int
    asked: list[Question]
    code: ErrorCode
    allowed: frozenset[Question] = frozenset()

    @property
    def api_key(self) -> ApiKey:
        name = type(self.request).__name__.removesuffix("Request")
        return next(ApiKey(api.key) for api in API_TABLE.values() if api.name == name)


def on_topic(operation: Operation, name: str = "t") -> Question:
    return operation, R.TOPIC, name


def in_cluster(operation: Operation) -> Question:
    return operation, R.CLUSTER, CLUSTER_NAME


def producing(transactional_id: str | None = None) -> produce.ProduceRequest:
    records = batch("v")
    if transactional_id is not None:
        made = build_batch(
            [Record(value=b"v")],
            is_transactional=True,
            producer_id=1,
            producer_epoch=0,
            base_sequence=0,
        )
        records = memoryview(made)
    return produce.ProduceRequest(
        acks=1,
        transactional_id=transactional_id,
        topic_data=[
            produce.TopicProduceData(
                name="t", partition_data=[produce.PartitionProduceData(index=0, records=records)]
            )
        ],
    )


def fetching(**options: Any) -> fetch.FetchRequest:
    partition = fetch.FetchPartition(partition=0, partition_max_bytes=100)
    topic = fetch.FetchTopic(topic="t", topic_id=topic_id("t"), partitions=[partition])
    return fetch.FetchRequest(max_bytes=100, topics=[topic], **options)


RECORDS = [
    Case(producing(), 9, [on_topic(OP.WRITE)], NO_TOPIC),
    Case(producing("x"), 9, [(OP.WRITE, R.TRANSACTIONAL_ID, "x")], NO_TRANSACTIONAL_ID),
    Case(fetching(), 12, [on_topic(OP.READ)], NO_TOPIC),
    Case(fetching(), 13, [on_topic(OP.READ)], NO_TOPIC),
    Case(fetching(replica_id=2), 13, [CLUSTER_ACTION], NO_TOPIC),
    Case(
        list_offsets.ListOffsetsRequest(
            topics=[
                list_offsets.ListOffsetsTopic(
                    name="t", partitions=[list_offsets.ListOffsetsPartition()]
                )
            ]
        ),
        7,
        [on_topic(OP.DESCRIBE)],
        NO_TOPIC,
    ),
    Case(
        delete_records.DeleteRecordsRequest(
            topics=[
                delete_records.DeleteRecordsTopic(
                    name="t", partitions=[delete_records.DeleteRecordsPartition()]
                )
            ]
        ),
        2,
        [on_topic(OP.DELETE)],
        NO_TOPIC,
    ),
    Case(
        describe_producers.DescribeProducersRequest(
            topics=[describe_producers.TopicRequest(name="t", partition_indexes=[0])]
        ),
        0,
        [on_topic(OP.READ)],
        NO_TOPIC,
    ),
    Case(
        write_txn_markers.WriteTxnMarkersRequest(
            markers=[
                write_txn_markers.WritableTxnMarker(
                    topics=[
                        write_txn_markers.WritableTxnMarkerTopic(name="t", partition_indexes=[0])
                    ]
                )
            ]
        ),
        1,
        [in_cluster(OP.ALTER), CLUSTER_ACTION],
        NO_CLUSTER,
    ),
    Case(
        offset_for_leader_epoch.OffsetForLeaderEpochRequest(
            topics=[
                offset_for_leader_epoch.OffsetForLeaderTopic(
                    topic="t",
                    partitions=[offset_for_leader_epoch.OffsetForLeaderPartition()],
                )
            ]
        ),
        4,
        [CLUSTER_ACTION, on_topic(OP.DESCRIBE)],
        NO_TOPIC,
    ),
    Case(
        init_producer_id.InitProducerIdRequest(transactional_id="x"),
        4,
        [(OP.WRITE, R.TRANSACTIONAL_ID, "x")],
        NO_TRANSACTIONAL_ID,
    ),
    Case(
        init_producer_id.InitProducerIdRequest(transactional_id=None),
        4,
        [in_cluster(OP.IDEMPOTENT_WRITE)],
        NO_CLUSTER,
    ),
]


def named(name: str) -> MetadataRequest:
    return MetadataRequest(topics=[metadata.MetadataRequestTopic(name=name)])


NEW_TOPIC = create_topics.CreateTopicsRequest(
    topics=[create_topics.CreatableTopic(name="new", num_partitions=1, replication_factor=1)],
    validate_only=True,
)

TOPICS = [
    Case(named("t"), 9, [on_topic(OP.DESCRIBE)], NO_TOPIC),
    Case(named("new"), 9, [on_topic(OP.DESCRIBE, "new")], NO_TOPIC),
    Case(
        named("new"),
        9,
        [on_topic(OP.DESCRIBE, "new"), in_cluster(OP.CREATE), on_topic(OP.CREATE, "new")],
        NO_TOPIC,
        allowed=frozenset({on_topic(OP.DESCRIBE, "new")}),
    ),
    Case(
        MetadataRequest(topics=[metadata.MetadataRequestTopic(name=None, topic_id=topic_id("t"))]),
        12,
        [on_topic(OP.DESCRIBE)],
        NO_TOPIC,
    ),
    Case(NEW_TOPIC, 7, [in_cluster(OP.CREATE), on_topic(OP.CREATE, "new")], NO_TOPIC),
    Case(
        NEW_TOPIC,
        7,
        [in_cluster(OP.CREATE), on_topic(OP.DESCRIBE_CONFIGS, "new")],
        NO_TOPIC,  # as its configs' error
        allowed=frozenset({in_cluster(OP.CREATE)}),
    ),
    Case(delete_topics.DeleteTopicsRequest(topic_names=["t"]), 5, [on_topic(OP.DELETE)], NO_TOPIC),
    Case(
        delete_topics.DeleteTopicsRequest(
            topics=[delete_topics.DeleteTopicState(topic_id=topic_id("t"))]
        ),
        6,
        [on_topic(OP.DESCRIBE)],
        NO_TOPIC,
    ),
    Case(
        create_partitions.CreatePartitionsRequest(
            topics=[create_partitions.CreatePartitionsTopic(name="t", count=2)]
        ),
        3,
        [on_topic(OP.ALTER)],
        NO_TOPIC,
    ),
    *(
        Case(
            describe_configs.DescribeConfigsRequest(
                resources=[
                    describe_configs.DescribeConfigsResource(
                        resource_type=kind, resource_name=resource_name
                    )
                ]
            ),
            4,
            [question],
            code,
        )
        for kind, resource_name, question, code in (
            (2, "t", on_topic(OP.DESCRIBE_CONFIGS), NO_TOPIC),
            (4, "1", in_cluster(OP.DESCRIBE_CONFIGS), NO_CLUSTER),
        )
    ),
]

COMMIT = offset_commit.OffsetCommitRequest(
    group_id="g",
    topics=[
        offset_commit.OffsetCommitRequestTopic(
            name="t",
            partitions=[offset_commit.OffsetCommitRequestPartition(committed_metadata="")],
        )
    ],
)
COMMIT_IN_TRANSACTION = txn_offset_commit.TxnOffsetCommitRequest(
    transactional_id="x",
    group_id="g",
    topics=[
        txn_offset_commit.TxnOffsetCommitRequestTopic(
            name="t", partitions=[txn_offset_commit.TxnOffsetCommitRequestPartition()]
        )
    ],
)
WRITE_X: Question = (OP.WRITE, R.TRANSACTIONAL_ID, "x")
FORGET = offset_delete.OffsetDeleteRequest(
    group_id="g",
    topics=[
        offset_delete.OffsetDeleteRequestTopic(
            name="t", partitions=[offset_delete.OffsetDeleteRequestPartition()]
        )
    ],
)
DELETE_GROUP: Question = (OP.DELETE, R.GROUP, "g")
FETCH_T = offset_fetch.OffsetFetchRequest(
    group_id="g",
    topics=[offset_fetch.OffsetFetchRequestTopic(name="t", partition_indexes=[0])],
)

GROUPS = [
    Case(find_coordinator.FindCoordinatorRequest(key="g"), 2, [DESCRIBE_GROUP], NO_GROUP),
    Case(
        find_coordinator.FindCoordinatorRequest(key_type=1, coordinator_keys=["x"]),
        4,
        [(OP.DESCRIBE, R.TRANSACTIONAL_ID, "x")],
        NO_TRANSACTIONAL_ID,
    ),
    Case(join_group.JoinGroupRequest(group_id="g"), 9, [READ_GROUP], NO_GROUP),
    Case(sync_group.SyncGroupRequest(group_id="g"), 5, [READ_GROUP], NO_GROUP),
    Case(heartbeat.HeartbeatRequest(group_id="g"), 4, [READ_GROUP], NO_GROUP),
    Case(leave_group.LeaveGroupRequest(group_id="g"), 2, [READ_GROUP], NO_GROUP),
    Case(COMMIT, 8, [READ_GROUP], NO_GROUP),
    Case(COMMIT, 0, [READ_GROUP], NO_GROUP),
    Case(COMMIT, 8, [READ_GROUP, on_topic(OP.READ)], NO_TOPIC, allowed=frozenset({READ_GROUP})),
    Case(FETCH_T, 0, [DESCRIBE_GROUP], NO_GROUP),
    Case(FETCH_T, 1, [DESCRIBE_GROUP], NO_GROUP),
    Case(FETCH_T, 7, [DESCRIBE_GROUP], NO_GROUP),
    Case(
        offset_fetch.OffsetFetchRequest(
            groups=[offset_fetch.OffsetFetchRequestGroup(group_id="g", topics=None)]
        ),
        8,
        [DESCRIBE_GROUP],
        NO_GROUP,
    ),
    Case(
        FETCH_T,
        0,
        [DESCRIBE_GROUP, on_topic(OP.DESCRIBE)],
        NO_TOPIC,
        allowed=frozenset({DESCRIBE_GROUP}),
    ),
    Case(describe_groups.DescribeGroupsRequest(groups=["g"]), 5, [DESCRIBE_GROUP], NO_GROUP),
    Case(delete_groups.DeleteGroupsRequest(groups_names=["g"]), 2, [DELETE_GROUP], NO_GROUP),
    Case(COMMIT_IN_TRANSACTION, 4, [WRITE_X], NO_TRANSACTIONAL_ID),
    Case(COMMIT_IN_TRANSACTION, 4, [WRITE_X, READ_GROUP], NO_GROUP, allowed=frozenset({WRITE_X})),
    Case(
        COMMIT_IN_TRANSACTION,
        4,
        [WRITE_X, READ_GROUP, on_topic(OP.READ)],
        NO_TOPIC,
        allowed=frozenset({WRITE_X, READ_GROUP}),
    ),
    Case(FORGET, 0, [DELETE_GROUP], NO_GROUP),
    Case(
        FORGET,
        0,
        [DELETE_GROUP, on_topic(OP.READ)],
        ErrorCode.COORDINATOR_NOT_AVAILABLE,  # of the group, which is asked for all the same
        allowed=frozenset({DELETE_GROUP}),
    ),
]

BETWEEN_BROKERS = [
    Case(request, version, [CLUSTER_ACTION], NO_CLUSTER)
    for request, version in (
        (leader_and_isr.LeaderAndIsrRequest(), 7),
        (stop_replica.StopReplicaRequest(), 4),
        (update_metadata.UpdateMetadataRequest(), 8),
        (controlled_shutdown.ControlledShutdownRequest(), 3),
        (alter_partition.AlterPartitionRequest(), 3),
        (allocate_producer_ids.AllocateProducerIdsRequest(), 0),
    )
]

CLUSTER = [
    *(
        Case(
            elect_leaders.ElectLeadersRequest(
                topic_partitions=[elect_leaders.TopicPartitions(topic="t", partitions=[0])]
            ),
            version,
            [in_cluster(OP.ALTER)],
            NO_CLUSTER,
        )
        for version in (0, 2)
    ),
    *(
        Case(request, version, [in_cluster(operation)], NO_CLUSTER)
        for request, version, operation in (
            (update_features.UpdateFeaturesRequest(), 1, OP.ALTER),
            (
                alter_replica_log_dirs.AlterReplicaLogDirsRequest(
                    dirs=[
                        alter_replica_log_dirs.AlterReplicaLogDir(
                            path="/d",
                            topics=[
                                alter_replica_log_dirs.AlterReplicaLogDirTopic(
                                    name="t", partitions=[0]
                                )
                            ],
                        )
                    ]
                ),
                2,
                OP.ALTER,
            ),
            (describe_log_dirs.DescribeLogDirsRequest(), 3, OP.DESCRIBE),
            (reassign.AlterPartitionReassignmentsRequest(), 0, OP.ALTER),
            (reassigning.ListPartitionReassignmentsRequest(), 0, OP.DESCRIBE),
            (describe_client_quotas.DescribeClientQuotasRequest(), 1, OP.DESCRIBE_CONFIGS),
            (
                alter_client_quotas.AlterClientQuotasRequest(
                    entries=[alter_client_quotas.RequestEntryData()]
                ),
                1,
                OP.ALTER_CONFIGS,
            ),
            (scram.DescribeUserScramCredentialsRequest(), 0, OP.DESCRIBE),
            (
                alter_scram.AlterUserScramCredentialsRequest(
                    deletions=[alter_scram.ScramCredentialDeletion(name="u", mechanism=1)]
                ),
                0,
                OP.ALTER,
            ),
        )
    ),
    *(
        Case(
            module.AlterConfigsRequest(resources=[resource])
            if module is alter_configs
            else module.IncrementalAlterConfigsRequest(resources=[resource]),
            1,
            [question],
            code,
        )
        for module in (alter_configs, incremental_alter_configs)
        for kind, resource_name, question, code in (
            (2, "t", on_topic(OP.ALTER_CONFIGS), NO_TOPIC),
            (4, "1", in_cluster(OP.ALTER_CONFIGS), NO_CLUSTER),
        )
        for resource in [
            module.AlterConfigsResource(resource_type=kind, resource_name=resource_name)
        ]
    ),
]

WRITE_TRANSACTION: Question = (OP.WRITE, R.TRANSACTIONAL_ID, "x")
ADD_T = [add_partitions_to_txn.AddPartitionsToTxnTopic(name="t", partitions=[0])]
ADD_PARTITIONS = add_partitions_to_txn.AddPartitionsToTxnRequest(
    v3_and_below_transactional_id="x", v3_and_below_topics=ADD_T
)
ADD_OFFSETS = add_offsets_to_txn.AddOffsetsToTxnRequest(transactional_id="x", group_id="g")
MAY_WRITE = frozenset({WRITE_TRANSACTION})

TRANSACTIONS = [
    Case(ADD_PARTITIONS, 3, [WRITE_TRANSACTION], NO_TRANSACTIONAL_ID),
    Case(ADD_PARTITIONS, 3, [WRITE_TRANSACTION, on_topic(OP.WRITE)], NO_TOPIC, MAY_WRITE),
    Case(add_partitions_to_txn.AddPartitionsToTxnRequest(), 5, [CLUSTER_ACTION], NO_CLUSTER),
    Case(ADD_OFFSETS, 4, [WRITE_TRANSACTION], NO_TRANSACTIONAL_ID),
    Case(ADD_OFFSETS, 4, [WRITE_TRANSACTION, READ_GROUP], NO_GROUP, MAY_WRITE),
    Case(end_txn.EndTxnRequest(transactional_id="x"), 4, [WRITE_TRANSACTION], NO_TRANSACTIONAL_ID),
    Case(
        describe_transactions.DescribeTransactionsRequest(transactional_ids=["x"]),
        0,
        [(OP.DESCRIBE, R.TRANSACTIONAL_ID, "x")],
        NO_TRANSACTIONAL_ID,
    ),
]

CASES = CLUSTER + RECORDS + TOPICS + GROUPS + TRANSACTIONS + BETWEEN_BROKERS


def codes(answer: Any) -> Iterator[ErrorCode]:
    """All error codes in an answer that are none of success."""
    for field in attrs.fields(type(answer)):
        value = getattr(answer, field.name)
        if field.name.endswith("error_code") and value:
            yield ErrorCode(value)
        for inner in value if isinstance(value, list) else [value]:
            if attrs.has(type(inner)):
                yield from codes(inner)


async def prepared(broker: Broker) -> None:
    """The controller, with one topic that it leads."""
    take_the_controllers_seat(broker)
    await know(broker, (1,), [("t-0", 1, (1,))])
    await lead(broker, "t-0")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.api_key.name}-{case.version}")
async def test_who_may_nothing(case: Case, tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await prepared(broker)
        strict = Strict(case.allowed, [])
        answer = await call(broker, case.request, case.version, authorizer=strict)
        assert strict.asked == case.asked
        assert set(codes(answer)) == {case.code}
        assert broker.replicas.partitions, "the order was not obeyed"


def test_every_row_of_the_table_is_asked_for() -> None:
    rows = {
        (api_key, need.operation, need.resource)
        for api_key, needs in NEEDS.items()
        for need in needs
    }
    asked = {
        (case.api_key, operation, resource)
        for case in CASES
        for operation, resource, _ in case.asked
    }
    listing = {(ApiKey.LIST_GROUPS, OP.DESCRIBE, kind) for kind in (R.CLUSTER, R.GROUP)}
    # Those are asked for what there is: test_transaction_handlers.
    listing |= {
        (ApiKey.LIST_TRANSACTIONS, OP.DESCRIBE, R.TRANSACTIONAL_ID),
        (ApiKey.DESCRIBE_TRANSACTIONS, OP.DESCRIBE, R.TOPIC),
    }
    assert rows == asked | listing
    assert NEEDS.keys() == API_TABLE.keys()


async def test_what_one_may_not_see_is_left_out_of_lists(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, (1,), [("t-0", 1, (1,)), ("u-0", 1, (1,))])
        strict = Strict(frozenset({on_topic(OP.DESCRIBE, "u")}), [])
        answer = await call(broker, MetadataRequest(topics=None), 12, authorizer=strict)
        assert [topic.name for topic in answer.topics] == ["u"]


async def test_an_id_is_no_secret_but_its_name_is(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await prepared(broker)
        by_id = metadata.MetadataRequestTopic(name=None, topic_id=topic_id("t"))
        nothing = Strict(frozenset(), [])
        request = MetadataRequest(topics=[by_id])
        [found] = (await call(broker, request, 12, authorizer=nothing)).topics
        assert (found.name, found.topic_id) == (None, topic_id("t"))
        [found] = (await call(broker, named("t"), 12, authorizer=nothing)).topics
        assert (found.name, found.topic_id) == ("t", UUID(int=0))


async def test_who_wants_to_know_is_told_what_he_may_do(tmp_path: Path) -> None:
    """KIP-430: a bit for each operation. Without an authorizer that is all there are."""
    asked = MetadataRequest(
        topics=[metadata.MetadataRequestTopic(name=name) for name in ("t", "unknown")],
        include_topic_authorized_operations=True,
        include_cluster_authorized_operations=True,
    )
    all_topics = MetadataRequest(topics=None, include_topic_authorized_operations=True)
    describe = DescribeClusterRequest(include_cluster_authorized_operations=True)
    seeing = Strict(frozenset({on_topic(OP.DESCRIBE), on_topic(OP.READ)}), [])
    async with open_broker(tmp_path) as broker:
        await prepared(broker)
        await call(broker, MetadataRequest(topics=None), 10)  # is kept, and says nothing of it
        for authorizer, of_cluster, of_topics in (
            (None, 0b1_1111_1010_0000, [0b1101_1111_1000] * 2),
            (seeing, 0, [1 << OP.DESCRIBE | 1 << OP.READ, -0x80000000]),
        ):
            told = await call(broker, asked, 10, authorizer=authorizer)
            assert told.cluster_authorized_operations == of_cluster
            assert [topic.topic_authorized_operations for topic in told.topics] == of_topics
            [topic] = (await call(broker, all_topics, 10, authorizer=authorizer)).topics
            assert topic.topic_authorized_operations == of_topics[0]
            told = await call(broker, describe, 1, authorizer=authorizer)
            assert told.cluster_authorized_operations == of_cluster


async def test_who_may_not_see_a_topic_hears_nothing_of_it(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        nothing = Strict(frozenset(), [])
        [found] = (await call(broker, named("__consumer_offsets"), 12, authorizer=nothing)).topics
        assert (found.error_code, found.is_internal) == (NO_TOPIC, False)


async def test_groups_are_listed_by_who_may_see_the_cluster_or_the_group(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        nothing = Strict(frozenset(), [])
        await call(broker, ListGroupsRequest(), 4, authorizer=nothing)
        assert nothing.asked == [in_cluster(OP.DESCRIBE)]


async def test_what_is_open_to_everyone_asks_nobody(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        nothing = Strict(frozenset(), [])
        versions = ApiVersionsRequest(client_software_name="c", client_software_version="1")
        answer = await call(broker, versions, 4, authorizer=nothing)
        assert (answer.error_code, nothing.asked) == (0, [])
