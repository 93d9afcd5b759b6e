"""Holding clients to what they may use (KIP-13, 124, 546, 599, 612).

    quota                       of whom                what is counted          measured by
    producer_byte_rate          user, client-id, both  bytes of Produce         rate
    consumer_byte_rate          user, client-id, both  bytes of records read    rate
    request_percentage          user, client-id, both  time of the event loop   rate
    controller_mutation_rate    user, client-id, both  partitions made, deleted token_bucket
    connection_creation_rate    ip                     new connections          rate

Each broker counts for itself, and nobody is refused anything but topics and connections. Who has
used more than he may is answered at once, told how long he should be quiet (`throttle_time_ms`),
and not listened to for that long, whether he keeps to it or not (KIP-219):

    request ─▶ handler ─▶ what did it cost? ─▶ answer, with throttle_time_ms ─▶ the client
                          │ limits: whose                    │ the listener
                          │ rate: how long to be quiet       └ reads no more of this connection

    windowed_sum      what was counted lately
    rate              a sum over time against a limit: how long until it is kept
    token_bucket      the same for what comes in bursts
    limits            which of the limits that are set counts for a client, and who shares it
    lately_used       what is kept of each client, and forgotten
    client_quota      one of the first three quotas, for all clients
    mutations         what one may change by way of the controller
    connection_rates  how many connections an address may open
    stopwatch         how long the event loop was busy with a request
    quotas            all of them, as they are set now

`broker.api.throttling` is where requests are held to them, `broker.network` where connections are;
`broker.admin.client_quotas` knows what is set.

Invariants:

- Where nothing is set nothing is counted: it costs a request one look at `Quotas.in_force`.
- What is kept of a client is forgotten an hour after its last request.
- Brokers' requests to each other are counted for nobody.

A difference to Kafka: reading, decoding and sending isn't counted as time of a request; Kafka adds
what its network threads take to the next request's.
"""
