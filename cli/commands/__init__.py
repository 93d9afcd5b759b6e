"""The commands of `zbroker-admin`: one module a noun, each with a click command of the same name.

    zbroker-admin up | status | down                      a cluster on this machine (cli.ensemble)
    zbroker-admin topic list | create | describe | delete
    zbroker-admin group list | describe                   any Kafka cluster (cli.client)
    zbroker-admin zk tree                                 any ZooKeeper that a Kafka cluster uses
    zbroker-admin trace events                            what zbroker's brokers wrote down

`cli.admin` finds a command by its module's name. What all share is in `options` (which cluster, how
long to wait, exit codes) and `output` (tables and JSON). Where a command's text is long it has a
module of its own: `topic_text`, `znode_text`, `trace_files`.

Flags and text are those of Kafka's own tool where there is one (`kafka-topics.sh --describe`), so
that what a reader knows of Kafka holds here.
"""
