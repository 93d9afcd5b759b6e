"""The commands that are in no row: what test holds them, or why nothing is beside them."""

# The story that holds the command beside Kafka's script: both change, and both see it.
ELSEWHERE = {
    "topic create": "test_admin::test_topics",
    "topic delete": "test_admin::test_topics",
    "topic alter": "test_admin_topics::test_more_partitions_and_how_far_they_reach",
    "config alter": "test_admin_topics::test_settings_of_all_others",
    "quota alter": "test_admin_quotas::test_what_is_set_is_shown",
    "group reset-offsets": "test_admin_groups::test_a_plan_is_that_of_kafkas_tool",
    "group delete": "test_admin_groups::test_forgetting_offsets_and_the_group",
    "group delete-offsets": "test_admin_groups::test_forgetting_offsets_and_the_group",
    "partition elect": "test_admin_partitions::test_a_leader_that_was_away_is_brought_back",
    "partition reassign generate": (
        "test_admin_reassign::test_a_proposal_is_a_plan_that_kafkas_tool_takes"
    ),
    "partition reassign execute": "test_admin_reassign::test_there_and_back",
    "partition reassign verify": "test_admin_reassign::test_there_and_back",
    "partition reassign cancel": "test_admin_reassign::test_there_and_back",
    "txn describe": "test_admin_transactions::test_a_transaction_from_all_sides",
    "txn abort": "test_admin_transactions::test_a_transaction_from_all_sides",
    "records delete": "test_admin_logs::test_records_are_deleted",
    "records produce": "test_admin_logs::test_lines_become_records_and_lines_again",
    "log dump": "test_admin_files::test_what_a_broker_leaves",
    "cluster api-versions": "test_admin_cluster::test_what_differs_from_kafka",
}
_ENSEMBLE = "an ensemble on this machine is ours to start"
_ZOOKEEPER = (
    "Kafka's zookeeper-shell prints znodes as they are, and nothing of who owns or watches them"
)
_OF_ZBROKER = "what only zbroker's brokers tell"
_SEVERAL_REQUESTS = "no script puts these answers together"
_OF_THE_COMMAND = "the command's own"
ONLY_OURS = {
    **dict.fromkeys(("up", "down", "status"), _ENSEMBLE),
    **dict.fromkeys(
        (
            "zk get",
            "zk ls",
            "zk sessions",
            "zk shell",
            "zk stat",
            "zk tree",
            "zk watch",
            "zk watches",
        ),
        _ZOOKEEPER,
    ),
    **dict.fromkeys(("broker sessions", "controller show", "group legacy"), _ZOOKEEPER),
    "controller move": "Kafka's users delete /controller by hand",
    **dict.fromkeys(
        (
            "controller history",
            "controller queue",
            "controller state-machines",
            "trace events",
            "trace requests",
        ),
        _OF_ZBROKER,
    ),
    **dict.fromkeys(
        (
            "broker describe",
            "broker drain",
            "cluster brokers",
            "cluster describe",
            "doctor",
            "log verify",
            "partition epochs",
            "partition replicas",
        ),
        _SEVERAL_REQUESTS,
    ),
    "group remove-members": "only the Streams' reset tool has it, for its own groups",
    "log dirs move": "Kafka moves by a reassignment's plan",
    "txn force-terminate": "kafka-transactions has it from 4.0 on",
    **dict.fromkeys(
        ("completion", "context list", "context show", "context use", "version"), _OF_THE_COMMAND
    ),
}
