"""A request or two of each API, as a client would send them to a broker with one small topic.

They fill as many fields as a broker has a harmless answer for.  Those between brokers come from a
controller, or a broker, of the past, and are refused.
"""

from uuid import UUID

from broker.wire.apis import ApiKey
from broker.wire.messages import (
    add_offsets_to_txn,
    add_partitions_to_txn,
    allocate_producer_ids,
    alter_client_quotas,
    alter_configs,
    alter_partition,
    alter_partition_reassignments,
    alter_replica_log_dirs,
    alter_user_scram_credentials,
    api_versions,
    consumer_group_describe,
    consumer_group_heartbeat,
    controlled_shutdown,
    create_partitions,
    create_topics,
    delete_groups,
    delete_records,
    delete_topics,
    describe_client_quotas,
    describe_cluster,
    describe_configs,
    describe_groups,
    describe_log_dirs,
    describe_producers,
    describe_transactions,
    describe_user_scram_credentials,
    elect_leaders,
    end_txn,
    envelope,
    fetch,
    find_coordinator,
    heartbeat,
    incremental_alter_configs,
    init_producer_id,
    join_group,
    leader_and_isr,
    leave_group,
    list_groups,
    list_offsets,
    list_partition_reassignments,
    list_transactions,
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
from broker.wire.record_batch import build_batch
from broker.wire.records import Record

TOPIC = "wire-test"
GROUP = "wire-group"


def batch() -> bytes:
    """Two records."""
    return bytes(build_batch([Record(key=b"k", value=b"v" * 100), Record(value=b"w")]))


def sample_requests(topic_id: UUID) -> dict[ApiKey, list[object]]:
    """By API; at least one of an API's requests fits into each of its versions."""
    return {
        ApiKey.API_VERSIONS: [
            api_versions.ApiVersionsRequest(
                client_software_name="wire", client_software_version="1"
            )
        ],
        ApiKey.METADATA: [
            metadata.MetadataRequest(topics=[metadata.MetadataRequestTopic(name=TOPIC)]),
            metadata.MetadataRequest(topics=[metadata.MetadataRequestTopic(name="no such topic")]),
        ],
        ApiKey.PRODUCE: [
            produce.ProduceRequest(
                acks=acks,
                timeout_ms=1000,
                topic_data=[
                    produce.TopicProduceData(
                        name=name,
                        partition_data=[produce.PartitionProduceData(index=0, records=batch())],
                    )
                    for name in (TOPIC, "missing")
                ],
            )
            for acks in (1, -1)
        ],
        ApiKey.LIST_OFFSETS: [
            list_offsets.ListOffsetsRequest(
                replica_id=-1,
                topics=[
                    list_offsets.ListOffsetsTopic(
                        name=TOPIC,
                        partitions=[
                            list_offsets.ListOffsetsPartition(partition_index=0, timestamp=when)
                        ],
                    )
                ],
            )
            for when in (-1, -2)
        ],
        ApiKey.FIND_COORDINATOR: [
            find_coordinator.FindCoordinatorRequest(key=GROUP),
            find_coordinator.FindCoordinatorRequest(coordinator_keys=[GROUP, "another"]),
        ],
        ApiKey.JOIN_GROUP: [
            join_group.JoinGroupRequest(
                group_id=GROUP,
                session_timeout_ms=10_000,
                rebalance_timeout_ms=1000,
                member_id="unknown",
                protocol_type="consumer",
                protocols=[join_group.JoinGroupRequestProtocol(name="range", metadata=b"m")],
                reason="to see",
            )
        ],
        ApiKey.HEARTBEAT: [
            heartbeat.HeartbeatRequest(group_id=GROUP, generation_id=1, member_id="unknown")
        ],
        ApiKey.SYNC_GROUP: [
            sync_group.SyncGroupRequest(
                group_id=GROUP,
                generation_id=1,
                member_id="unknown",
                assignments=[
                    sync_group.SyncGroupRequestAssignment(member_id="unknown", assignment=b"a")
                ],
            )
        ],
        ApiKey.LEAVE_GROUP: [
            leave_group.LeaveGroupRequest(group_id=GROUP, member_id="unknown"),
            leave_group.LeaveGroupRequest(
                group_id=GROUP, members=[leave_group.MemberIdentity(member_id="unknown")]
            ),
        ],
        ApiKey.OFFSET_COMMIT: [
            offset_commit.OffsetCommitRequest(
                group_id=GROUP,
                topics=[
                    offset_commit.OffsetCommitRequestTopic(
                        name=TOPIC,
                        partitions=[
                            offset_commit.OffsetCommitRequestPartition(
                                partition_index=0, committed_offset=1, committed_metadata="m"
                            )
                        ],
                    )
                ],
            )
        ],
        ApiKey.OFFSET_FETCH: [
            offset_fetch.OffsetFetchRequest(
                group_id=GROUP,
                topics=[offset_fetch.OffsetFetchRequestTopic(name=TOPIC, partition_indexes=[0, 1])],
            ),
            offset_fetch.OffsetFetchRequest(group_id=GROUP, topics=None),
            offset_fetch.OffsetFetchRequest(
                groups=[
                    offset_fetch.OffsetFetchRequestGroup(
                        group_id=GROUP,
                        topics=[
                            offset_fetch.OffsetFetchRequestTopics(
                                name=TOPIC, partition_indexes=[0, 1]
                            )
                        ],
                    ),
                    offset_fetch.OffsetFetchRequestGroup(group_id="other", topics=None),
                ]
            ),
        ],
        ApiKey.DESCRIBE_GROUPS: [describe_groups.DescribeGroupsRequest(groups=[GROUP, "none"])],
        ApiKey.LIST_GROUPS: [list_groups.ListGroupsRequest()],
        ApiKey.CREATE_TOPICS: [
            create_topics.CreateTopicsRequest(
                topics=[
                    create_topics.CreatableTopic(
                        name=name,
                        num_partitions=-1,
                        replication_factor=-1,
                        assignments=[
                            create_topics.CreatableReplicaAssignment(broker_ids=[1]),
                        ],
                        configs=[
                            create_topics.CreatableTopicConfig(name="retention.ms", value="1000")
                        ],
                    )
                    for name in (TOPIC, "only-validated")
                ],
                validate_only=True,
            ),
            create_topics.CreateTopicsRequest(
                topics=[
                    create_topics.CreatableTopic(name=TOPIC, num_partitions=1, replication_factor=1)
                ]
            ),
        ],
        ApiKey.CREATE_PARTITIONS: [
            create_partitions.CreatePartitionsRequest(
                topics=[
                    create_partitions.CreatePartitionsTopic(name=TOPIC, count=1, assignments=None),
                    create_partitions.CreatePartitionsTopic(
                        name="missing",
                        count=2,
                        assignments=[create_partitions.CreatePartitionsAssignment(broker_ids=[1])],
                    ),
                ],
                timeout_ms=1000,
                validate_only=True,
            )
        ],
        ApiKey.ELECT_LEADERS: [
            elect_leaders.ElectLeadersRequest(
                topic_partitions=[
                    elect_leaders.TopicPartitions(topic=name, partitions=[0, 7])
                    for name in (TOPIC, "missing")
                ],
                timeout_ms=1000,
            ),
            elect_leaders.ElectLeadersRequest(
                election_type=1, topic_partitions=None, timeout_ms=1000
            ),
        ],
        ApiKey.UPDATE_FEATURES: [
            update_features.UpdateFeaturesRequest(
                timeout_ms=1000,
                feature_updates=[
                    update_features.FeatureUpdateKey(feature="no.such", max_version_level=2),
                    update_features.FeatureUpdateKey(feature="", max_version_level=1),
                ],
            ),
            update_features.UpdateFeaturesRequest(
                timeout_ms=1000,
                feature_updates=[
                    update_features.FeatureUpdateKey(
                        feature="no.such", max_version_level=0, upgrade_type=3
                    )
                ],
                validate_only=True,
            ),
        ],
        ApiKey.DELETE_TOPICS: [
            delete_topics.DeleteTopicsRequest(topic_names=["missing"], timeout_ms=1000),
            delete_topics.DeleteTopicsRequest(
                topics=[
                    delete_topics.DeleteTopicState(name="missing"),
                    delete_topics.DeleteTopicState(name=None, topic_id=UUID(int=77)),
                ],
                timeout_ms=1000,
            ),
        ],
        ApiKey.INIT_PRODUCER_ID: [
            init_producer_id.InitProducerIdRequest(
                transactional_id=None, transaction_timeout_ms=1000
            )
        ],
        ApiKey.ADD_PARTITIONS_TO_TXN: [
            add_partitions_to_txn.AddPartitionsToTxnRequest(
                v3_and_below_transactional_id="unknown",
                v3_and_below_producer_id=1,
                v3_and_below_topics=[
                    add_partitions_to_txn.AddPartitionsToTxnTopic(name=TOPIC, partitions=[0, 99])
                ],
            ),
            add_partitions_to_txn.AddPartitionsToTxnRequest(
                transactions=[
                    add_partitions_to_txn.AddPartitionsToTxnTransaction(
                        transactional_id=transactional_id,
                        producer_id=1,
                        verify_only=True,
                        topics=[
                            add_partitions_to_txn.AddPartitionsToTxnTopic(
                                name=TOPIC, partitions=[0]
                            )
                        ],
                    )
                    for transactional_id in ("unknown", "another")
                ],
            ),
        ],
        ApiKey.ADD_OFFSETS_TO_TXN: [
            add_offsets_to_txn.AddOffsetsToTxnRequest(
                transactional_id="unknown", producer_id=1, group_id=GROUP
            )
        ],
        ApiKey.END_TXN: [
            end_txn.EndTxnRequest(transactional_id="unknown", producer_id=1, committed=True)
        ],
        ApiKey.DESCRIBE_TRANSACTIONS: [
            describe_transactions.DescribeTransactionsRequest(transactional_ids=["unknown"])
        ],
        ApiKey.LIST_TRANSACTIONS: [
            list_transactions.ListTransactionsRequest(
                state_filters=["Ongoing", "unheard of"], producer_id_filters=[1]
            )
        ],
        ApiKey.OFFSET_FOR_LEADER_EPOCH: [
            offset_for_leader_epoch.OffsetForLeaderEpochRequest(
                replica_id=-1,
                topics=[
                    offset_for_leader_epoch.OffsetForLeaderTopic(
                        topic=TOPIC,
                        partitions=[
                            offset_for_leader_epoch.OffsetForLeaderPartition(
                                partition=0, leader_epoch=0
                            )
                        ],
                    )
                ],
            )
        ],
        ApiKey.DESCRIBE_CONFIGS: [
            describe_configs.DescribeConfigsRequest(
                resources=[
                    describe_configs.DescribeConfigsResource(
                        resource_type=2, resource_name=TOPIC, configuration_keys=None
                    ),
                    describe_configs.DescribeConfigsResource(
                        resource_type=4, resource_name="1", configuration_keys=["log.dirs"]
                    ),
                ]
            )
        ],
        ApiKey.ALTER_CONFIGS: [
            alter_configs.AlterConfigsRequest(
                resources=[
                    alter_configs.AlterConfigsResource(
                        resource_type=2,
                        resource_name=TOPIC,
                        configs=[alter_configs.AlterableConfig(name="retention.ms", value="1000")],
                    )
                ],
                validate_only=True,
            )
        ],
        ApiKey.INCREMENTAL_ALTER_CONFIGS: [
            incremental_alter_configs.IncrementalAlterConfigsRequest(
                resources=[
                    incremental_alter_configs.AlterConfigsResource(
                        resource_type=2,
                        resource_name=TOPIC,
                        configs=[
                            incremental_alter_configs.AlterableConfig(
                                name="cleanup.policy", config_operation=2, value="compact"
                            )
                        ],
                    )
                ],
                validate_only=True,
            )
        ],
        ApiKey.DESCRIBE_CLIENT_QUOTAS: [
            describe_client_quotas.DescribeClientQuotasRequest(
                components=[
                    describe_client_quotas.ComponentData(
                        entity_type="user", match_type=0, match="alice"
                    ),
                    describe_client_quotas.ComponentData(
                        entity_type="client-id", match_type=2, match=None
                    ),
                ],
                strict=True,
            )
        ],
        ApiKey.ALTER_CLIENT_QUOTAS: [
            alter_client_quotas.AlterClientQuotasRequest(
                entries=[
                    alter_client_quotas.RequestEntryData(
                        entity=[
                            alter_client_quotas.RequestEntityData(
                                entity_type="user", entity_name=None
                            )
                        ],
                        ops=[
                            alter_client_quotas.OpData(key="producer_byte_rate", value=1000.0),
                            alter_client_quotas.OpData(key="request_percentage", remove=True),
                        ],
                    )
                ],
                validate_only=True,
            )
        ],
        ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: [
            describe_user_scram_credentials.DescribeUserScramCredentialsRequest(
                users=[describe_user_scram_credentials.UserName(name="alice")]
            )
        ],
        ApiKey.ALTER_USER_SCRAM_CREDENTIALS: [
            alter_user_scram_credentials.AlterUserScramCredentialsRequest(
                deletions=[
                    alter_user_scram_credentials.ScramCredentialDeletion(name="bob", mechanism=2)
                ],
                upsertions=[
                    alter_user_scram_credentials.ScramCredentialUpsertion(
                        name="alice",
                        mechanism=1,
                        iterations=4096,
                        salt=b"salt",
                        salted_password=b"salted password",
                    )
                ],
            )
        ],
        ApiKey.ALTER_REPLICA_LOG_DIRS: [
            alter_replica_log_dirs.AlterReplicaLogDirsRequest(
                dirs=[
                    alter_replica_log_dirs.AlterReplicaLogDir(
                        path="/nowhere",
                        topics=[
                            alter_replica_log_dirs.AlterReplicaLogDirTopic(
                                name=TOPIC, partitions=[0, 1]
                            )
                        ],
                    )
                ]
            )
        ],
        ApiKey.DESCRIBE_LOG_DIRS: [
            describe_log_dirs.DescribeLogDirsRequest(topics=None),
            describe_log_dirs.DescribeLogDirsRequest(
                topics=[
                    describe_log_dirs.DescribableLogDirTopic(topic=name, partitions=[0])
                    for name in (TOPIC, "missing")
                ]
            ),
        ],
        ApiKey.DESCRIBE_CLUSTER: [
            describe_cluster.DescribeClusterRequest(include_cluster_authorized_operations=True)
        ],
        ApiKey.DELETE_GROUPS: [delete_groups.DeleteGroupsRequest(groups_names=["none"])],
        ApiKey.OFFSET_DELETE: [
            offset_delete.OffsetDeleteRequest(
                group_id="none",
                topics=[
                    offset_delete.OffsetDeleteRequestTopic(
                        name=name,
                        partitions=[offset_delete.OffsetDeleteRequestPartition(partition_index=0)],
                    )
                    for name in (TOPIC, "missing")
                ],
            )
        ],
        ApiKey.TXN_OFFSET_COMMIT: [
            txn_offset_commit.TxnOffsetCommitRequest(
                transactional_id="unknown",
                group_id=GROUP,
                producer_id=1,
                producer_epoch=0,
                topics=[
                    txn_offset_commit.TxnOffsetCommitRequestTopic(
                        name=name,
                        partitions=[
                            txn_offset_commit.TxnOffsetCommitRequestPartition(
                                partition_index=0, committed_offset=1, committed_metadata="m"
                            )
                        ],
                    )
                    for name in (TOPIC, "missing")
                ],
            )
        ],
        ApiKey.DELETE_RECORDS: [
            delete_records.DeleteRecordsRequest(
                topics=[
                    delete_records.DeleteRecordsTopic(
                        name=name,
                        partitions=[
                            delete_records.DeleteRecordsPartition(partition_index=0, offset=0)
                        ],
                    )
                    for name in (TOPIC, "missing")
                ],
                timeout_ms=1000,
            )
        ],
        ApiKey.FETCH: [
            fetch.FetchRequest(
                max_wait_ms=100,
                topics=[
                    fetch.FetchTopic(
                        topic=TOPIC,
                        topic_id=topic_id,
                        partitions=[
                            fetch.FetchPartition(
                                partition=partition, fetch_offset=0, partition_max_bytes=10_000
                            )
                            for partition in (0, 99)
                        ],
                    )
                ],
            )
        ],
        ApiKey.LEADER_AND_ISR: [
            leader_and_isr.LeaderAndIsrRequest(controller_id=1, controller_epoch=0)
        ],
        ApiKey.STOP_REPLICA: [stop_replica.StopReplicaRequest(controller_id=1, controller_epoch=0)],
        ApiKey.UPDATE_METADATA: [
            update_metadata.UpdateMetadataRequest(controller_id=1, controller_epoch=0)
        ],
        ApiKey.CONTROLLED_SHUTDOWN: [
            controlled_shutdown.ControlledShutdownRequest(broker_id=99, broker_epoch=-1)
        ],
        ApiKey.ALTER_PARTITION: [
            alter_partition.AlterPartitionRequest(
                broker_id=1,
                broker_epoch=0,
                topics=[
                    alter_partition.RequestTopicData(
                        topic_name=TOPIC,
                        topic_id=topic_id,
                        partitions=[alter_partition.RequestPartitionData()],
                    )
                ],
            )
        ],
        ApiKey.ALTER_PARTITION_REASSIGNMENTS: [
            alter_partition_reassignments.AlterPartitionReassignmentsRequest(
                topics=[
                    alter_partition_reassignments.ReassignableTopic(
                        name=TOPIC,
                        partitions=[
                            alter_partition_reassignments.ReassignablePartition(replicas=None),
                            alter_partition_reassignments.ReassignablePartition(
                                partition_index=9, replicas=[99, 1]
                            ),
                        ],
                    )
                ]
            )
        ],
        ApiKey.LIST_PARTITION_REASSIGNMENTS: [
            list_partition_reassignments.ListPartitionReassignmentsRequest(),
            list_partition_reassignments.ListPartitionReassignmentsRequest(
                topics=[
                    list_partition_reassignments.ListPartitionReassignmentsTopics(
                        name=TOPIC, partition_indexes=[0, 9]
                    )
                ]
            ),
        ],
        ApiKey.DESCRIBE_PRODUCERS: [
            describe_producers.DescribeProducersRequest(
                topics=[
                    describe_producers.TopicRequest(name=name, partition_indexes=[0, 9])
                    for name in (TOPIC, "missing")
                ]
            )
        ],
        ApiKey.WRITE_TXN_MARKERS: [
            write_txn_markers.WriteTxnMarkersRequest(
                markers=[
                    write_txn_markers.WritableTxnMarker(
                        producer_id=10**9,
                        producer_epoch=1,
                        transaction_result=True,
                        topics=[
                            write_txn_markers.WritableTxnMarkerTopic(
                                name="missing", partition_indexes=[0, 9]
                            )
                        ],
                        coordinator_epoch=1,
                    )
                ]
            )
        ],
        ApiKey.ALLOCATE_PRODUCER_IDS: [
            allocate_producer_ids.AllocateProducerIdsRequest(broker_id=1, broker_epoch=0)
        ],
        ApiKey.ENVELOPE: [
            envelope.EnvelopeRequest(request_data=b"r", client_host_address=b"\x7f\0\0\1")
        ],
        ApiKey.CONSUMER_GROUP_HEARTBEAT: [
            consumer_group_heartbeat.ConsumerGroupHeartbeatRequest(
                group_id=GROUP,
                member_id="unknown",
                subscribed_topic_names=[TOPIC],
                topic_partitions=[
                    consumer_group_heartbeat.TopicPartitions(topic_id=topic_id, partitions=[0])
                ],
            )
        ],
        ApiKey.CONSUMER_GROUP_DESCRIBE: [
            consumer_group_describe.ConsumerGroupDescribeRequest(group_ids=[GROUP, "another"])
        ],
    }
