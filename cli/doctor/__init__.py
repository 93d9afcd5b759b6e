"""Whether a running ensemble keeps what it promises, zbroker's or a real Kafka's.

    gathering   asks all of them                        ──► facts
      tree      ZooKeeper; brokers: each of them, for itself; replicas, samples: their logs
      acting    zbroker's own word on who controls
    facts       what they said, as values
    checks      a table of pure functions, facts in     ──► findings out
    verdict     looks until it is sure                  ──► ok | broken | not looked at

Nothing here can stop the ensemble while it looks, so that ZooKeeper and the brokers are seen at
different moments: an election that is under way between two of them looks like a contradiction.
So a finding counts only if it is the same in every look; what is on its way has changed by then.

Invariants:

- Nothing is written, neither to a znode nor to a broker.
- What can't be seen is said to be not looked at, and never to be ok.
"""
