"""The two commands: `zbroker`, which is one broker, and `zbroker-admin`, which is everything else.

    zbroker FILE            server     a broker's configuration and its signals; the rest is
                                       broker.run
                            logs       its log: lines for people, JSON for programs
    zbroker-admin NOUN ...  admin      finds the command
                            commands   a package of verbs a noun: options in, an answer out
                              schemas    what the JSON of each looks like
                              reference  what Kafka 3.9.1 speaks
                              client     asks brokers, as any Kafka client does
                              offline    reads a broker's files on this disk
                              doctor     holds what all of them say against each other
                              ensemble   starts and ends a whole cluster on this machine
                                java       where its ZooKeeper comes from
                              coordination.kazoo_store   what `zk tree` reads ZooKeeper with

Invariants:

- A command holds no knowledge of Kafka but how to show it: facts come from `client`, `offline`
  or `coordination`, and what shows them has `-o json` for programs, which fits `schemas`.
- What changes a cluster is a request to a broker, never a write to a znode; `controller move` alone
  deletes one, as there is no request for it.
- What can't be taken back, and no tool of Kafka's does, is asked for twice (`commands.confirming`).
- A user's mistake, and a cluster that does not answer, end in one line and an exit code
  (`admin` lists them); a traceback is a defect.
- A command imports what it needs when it runs: a shell user feels every 100 ms.
"""
