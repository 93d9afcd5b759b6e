"""zbroker beside Apache Kafka 3.9.1 on the same machine: `make bench`, or `python -m tests.bench`.

Both get the same: three brokers on one real ZooKeeper, the same properties, the
same clients (Kafka's own perf tools), records of 1,000 bytes. They take turns,
round by round, so that a machine whose speed drifts drifts for both; what is
quoted is the median and the ratio of medians. The real Kafka runs with the JVM
flags of its own start script (G1, both compilers, 1 GB of heap), not with the
small flags that tests use.

    contenders   start the brokers of one kind, ask the kernel what they used
    workloads    what is done to them, and the number that comes out
    scale        the same for 2,000 partitions: the control plane's costs
    recovery     the start of a broker that was killed, with 1,000 segments to read
    groups       a group of 100 members rebalances
    report       medians, ratios, the table and the JSON

A workload's figure is one number with a direction: more is better (MB/s), or
less is better (seconds, MB). A ratio is always "zbroker to Kafka".

Nothing here is a test: a figure depends on the machine, and no test may.
"""
