"""The commands of `zbroker-admin`: a module each, or a package of verbs for a noun.

    zbroker-admin up | status | down                      a cluster on this machine (cli.ensemble)
    zbroker-admin cluster describe | id | brokers | features | api-versions, broker describe | drain
    zbroker-admin topic list | describe | create | alter | delete | offsets
    zbroker-admin config describe | alter, quota describe | alter
    zbroker-admin partition replicas | epochs | elect,
    partition reassign generate | execute | verify | cancel | list
    zbroker-admin group list | describe | delete | delete-offsets | reset-offsets | remove-members
    zbroker-admin txn list | describe | producers | find-hanging | abort | force-terminate
    zbroker-admin records consume | produce | delete, log dirs describe | move
                                                          any Kafka cluster (cli.client)
    zbroker-admin log dump | verify                       files on this disk (cli.offline)
    zbroker-admin zk tree | ls | get | watch | sessions | watches | stat | shell,
    controller show | move, broker sessions, group legacy any ZooKeeper that a Kafka cluster uses
    zbroker-admin doctor                                  both of these at once (cli.doctor)
    zbroker-admin trace events | requests, controller history | queue | state-machines
                                                          what zbroker's brokers did, and were asked
    zbroker-admin context list | show | use               clusters by name (contexts)
    zbroker-admin completion, version                     a script for one's shell; which this is

A command is options in, facts from `cli.client`, an `Answer` out:

    lazy       finds a command by its name, and imports it when it runs
    leading    options before the noun
    options    which cluster, how long to wait; contexts: clusters by name
    failure    exit codes, and the one line of an error
    repeating  --watch and --until; conditions: what is waited for
    output     one answer in five forms (`yaml_text` is one of them); its JSON fits cli/schemas
    completing what a shell asks at a TAB
    verbose    -v
    outcomes   how a change ends that was done in part
    confirming a question before what can't be taken back, or --yes

Where a command's text is long it has a module of its own: `topic.text`, `znode_text`,
`trace_files`.

Flags and text are those of Kafka's own tool where there is one (`kafka-topics.sh --describe`), so
that what a reader knows of Kafka holds here.
"""
