"""`zbroker-admin trace`: what zbroker's brokers did, and were asked.

    events      changes of state with their causes: from files, or from running brokers
    requests    what running brokers answer from now on, and how long it took

Running brokers tell over their `http.listener` (broker.monitoring). A real Kafka has neither.

    streams     several brokers followed at once; trace_files: their files read as one
"""

from cli.commands.lazy import noun

trace = noun(
    "trace",
    __name__,
    ("events", "requests"),
    "See what happened in the ensemble, what led to it, and who asks for what.",
)
