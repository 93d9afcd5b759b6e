"""Holding clients to what they may use (KIP-13, 124, 546, 599, 612).

    quota                       of whom                what is counted          measured by
    producer_byte_rate          user, client-id, both  bytes of Produce         rate
    consumer_byte_rate          user, client-id, both  bytes of records read    rate
    request_percentage          user, client-id, both  time of the event loop   rate
    controller_mutation_rate    user, client-id, both  partitions made, deleted token_bucket
    connection_creation_rate    ip                     new connections          rate

Each broker counts for itself, and nobody is refused anything but connections, and what makes or
deletes partitions. Who has used more than he may is answered at once, told how long he should be
quiet (`throttle_time_ms`), and not listened to for that long, whether he keeps to it or not
(KIP-219):

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
- What is kept of a client is forgotten an hour after its last request, or when 10,000 others have
  come since.
- What brokers alone may ask of each other (`broker.api.throttling`), and what followers fetch, is
  counted for nobody. A broker's other requests are those of its user, as in Kafka: ApiVersions,
  ListOffsets, AllocateProducerIds, AddPartitionsToTxn. Where there is no authentication, a
  request_percentage for the user ANONYMOUS, or for any, is one that brokers share with all clients.
- A consumer_byte_rate is for fetches that fit into it: a batch that is more than ten seconds' worth
  (all windows but one) is put off whenever it's asked for, so its consumer gets no further.

Differences to Kafka:

- Reading, decoding and sending isn't counted as time of a request; Kafka adds what its network
  threads take to the next request's.
- Of a fetch the records are counted, and not the rest of the answer: who asks and gets nothing has
  used nothing.
- What a fetch cost in time is known when it's over: it has its records, if they are within
  consumer_byte_rate, and is told to be quiet. In Kafka it's answered without records then.
"""
