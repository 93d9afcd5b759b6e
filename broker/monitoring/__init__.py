"""What a monitoring system asks of a broker, over HTTP: is it well, and what is it doing?

    http.listener=HTTP://127.0.0.1:9404        absent: nothing of this is even imported

    GET /metrics    numbers, in Prometheus' text format     *_metrics, .. ─► text_format
    GET /healthz    200: the event loop turns
    GET /readyz     200: registered, listening, and told of the cluster; 503 and why not
    GET /events     the trace, as it is written             event_stream (server-sent events)
    GET /requests   what is answered from now on            request_stream
    GET /controller/queue, /controller/states               controller_pages
                    what the controller has before it, and what it knows, in JSON; 503 elsewhere

The names are those that Kafka's MBeans get by the rules which the Prometheus JMX exporter brings
along for Kafka (`mbeans`), so that dashboards and alerts made for Kafka work: see
compose/monitoring. What Kafka has nothing like (the event loop's lag, its stalls, open tasks) is
called zbroker_.

    http            HTTP/1.1 by h11: what comes in, within bounds; what goes out
    pages           which path is what
    monitor         the parts put together, for `broker.run`
    broker_metrics, replica_metrics, partition_metrics, coordinator_metrics    what is told of it
    requests        how many requests of each kind, and how long each part of them took
    request_errors  which error codes their answers have
    event_loop      how long the loop didn't look at its sockets
    zookeeper       how long ZooKeeper's answers took
    timings         of many durations the newest, their count and sum
    cleaner_metrics, waiting_metrics    the log cleaner; requests that wait
    answered        one request and how it ended; server_sent: for a reader who may be slow
    process         memory, processor time and open files

Invariants:

- Nobody else imports this room; what is counted while records flow is a plain number of its owner
  (`replica.traffic`), which stands there to be read. Gauges are worked out when they're asked for.
- A scrape never holds up the event loop for long: it makes way every few hundred lines.
- Whatever comes in is bounded: connections, the size of a request, the time for one, what waits
  for a reader. A slow reader of a stream loses some, and is told how many; nobody waits for him.
- It is read-only, and has no passwords: it listens where it's told to, which should be a place
  that only the monitoring system reaches.
"""
