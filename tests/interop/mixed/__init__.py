"""One ensemble of both kinds: zbroker and Apache Kafka 3.9.1, each in every role.

All brokers share a ZooKeeper and run at inter.broker.protocol.version=3.9. Whoever is controller
tells both kinds who leads; whoever leads is followed by both; whoever follows asks its leader, and
its leader the controller, whatever they are:

             controller            leader                   follower
    zbroker  LeaderAndIsr, ..  ──► Kafka   AlterPartition, ..
    Kafka    LeaderAndIsr, ..  ──► zbroker AlterPartition, ..
                                   zbroker ◄── Fetch ────── Kafka
                                   Kafka   ◄── Fetch ────── zbroker

    ensembles         who is in them, and how one of them is made controller
    test_smoke        one death of a controller, in every run of the tests
    test_faults       death, freezing, orderly leaving, shrinking ISRs, under load
    test_topics       what admins do, with either kind as controller
    test_configs      dynamic configs, asked of one kind and applied by both
    test_tools        Kafka's tools, asked of one kind, with a controller of the other
    test_reassignment every partition moves from one kind to the other and back, under load
    test_groups       a group's coordinator moves or dies: the other kind goes on with its members
                      and offsets, those of open transactions too
    test_transactions a coordinator dies, and one of the other kind ends what was open
    test_exactly_once Kafka Streams counts, and librdkafka's loops go on, while brokers of each kind
                      die
    test_swap         one kind takes over the other's files, and gives them back
    test_same_znodes  one story told to three Kafkas and to three zbrokers: the same znodes

What holds in all of them is what `tests.interop.faults.verdict` checks: no acknowledged record is
lost or repeated, and the replicas' batches are the same bytes on either kind's disk.
"""
