"""zbroker beside Apache Kafka 3.9.1 on the same machine: `make bench`, or `python -m tests.bench`.

Both get the same: three brokers on one real ZooKeeper, the same properties, the same clients
(Kafka's own perf tools, librdkafka, bare sockets where a client would measure itself). They take
turns, round by round, so that a machine whose speed drifts drifts for both; what is quoted is the
median and the ratio of medians. The real Kafka runs with the JVM flags of its own start script (G1,
both compilers, 1 GB of heap), not with the small flags that tests use.

    contenders   start the brokers of one kind
    suites/      what is done to them, and the numbers that come out; a file each
    size         how much of it: all, or five minutes' worth
    perf_tools   Kafka's tools: arguments, and what their last line says
    paced        librdkafka at a fixed rate: latencies
    page_cache   out of memory with a file, and is it out?
    usage        CPU, context switches and memory of the brokers, beside each workload
    report       medians and ratios; `goals` judges them, `table` prints them, `chart` draws them
    history      results/: a run of everything, with its commit and the machine

A workload's figure is one number with a direction: more is better (MB/s), or less is better
(seconds, MB). A ratio is always "zbroker to Kafka".

No figure is a test: it depends on the machine, and no test may. That each workload *runs* is one
(test_workloads, with tiny sizes), and so is what the harness computes.
"""
