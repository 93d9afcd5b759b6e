"""What the real Kafka 3.9.1 does under the same faults, and how much slower we may be seen.

Longest silences between two acknowledgements at a negotiated session timeout of 6 s, in seconds,
as measured on a machine with 2 cores that did nothing else.
"""

SESSION_TIMEOUT_S = 6.0

LEADER_KILLED = 5.8
CONTROLLER_KILLED = 6.9
AFTER_THE_NODE_VANISHED = 0.16  # of both: to the next acknowledgement
LEADER_STOPPED = 0.4
BROKERS_RESTARTED_IN_TURN = 0.6
ZOOKEEPER_PAUSED_BRIEFLY = 0.05
ZOOKEEPER_PAUSED_FOR_LONG = 0.8
ALL_KILLED = 8.8

# What a machine that runs other things too may add.
TOLERANCE_S = 1.0
