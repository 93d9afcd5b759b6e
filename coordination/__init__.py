"""The control plane: how brokers, over ZooKeeper, agree on who is there and who decides.

ZooKeeper is a small tree of nodes that every member sees change in one order. Three of its gifts
carry everything here:

    ephemeral nodes     vanish with the session that made them: a broker's /brokers/ids/N is its
                        sign of life, /controller is a throne that empties itself
    versions            a write may demand that nobody wrote since we read
    watches             a read may ask to be told of the next change

The flow, from the bottom up:

    store               what we ask of ZooKeeper, and its promises: a protocol
      kazoo_store       kept by a real ZooKeeper
      memory_store      kept in memory (memory_tree), with misfortune at a test's command
      subscriptions     a session's events, to everyone who reads them
    znodes              what stands where in the tree, shared with real Kafka brokers
    session             lives in one session after another
      registration      "broker N is here"
      election          one broker becomes controller; its epoch fences all its writes
        controller      decides who leads each partition: event in, effects out
      topics            what admins do to them; topic_checks, assignment: whether, and where
      configs           topic and broker configs, and the news of their changes
      client_quotas, scram
                        what is kept of users: quotas, and what proves that they know a password
      finalized_features
                        what /feature finalizes, as every broker tells its clients
      log_dir_events    how a broker says that a log directory failed
      four_letter_words what a ZooKeeper server tells of itself
    values              the nouns of both planes: partition, broker, leader and ISR

Invariants:
 - ZooKeeper is the authority. What we remember of it is a hint until a conditional write holds.
 - A session's end ends everything that was true only within it. Nothing carries over.
 - A write whose reply was lost is read back, never assumed.
 - No sockets but ZooKeeper's, no wire bytes: `broker` depends on this package, never the reverse.

Like Kafka 3.9 in ZooKeeper mode, except that a registration is retried until it holds, where stock
Kafka asks for a restart.
"""
