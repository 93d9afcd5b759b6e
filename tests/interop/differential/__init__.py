"""The same requests to a real Kafka 3.9.1 and to zbroker: are the answers the same?

    pytest tests/interop/differential                        a few requests of each version
    pytest tests/interop/differential -m matrix              many, and stories of several requests
    ZBROKER_DIFFERENTIAL_SEED=7 ZBROKER_DIFFERENTIAL_EXAMPLES=500 pytest ... -m matrix -k Fetch

One broker each, fresh, of one `server.properties`. hypothesis makes the requests from our message
tables, which other tests hold to Kafka's own definitions:

    pools           what a field may be: mostly something that is there (a topic, a group, an
                    offset), sometimes a name that can't be or a number at its border
    making          a request of any version, out of the pools
    unanswered      what is left out, for a real Kafka never answers it
    symbols         what each broker names by itself (member ids, topic ids, producer ids, ports)
                    is in a request and in an answer a symbol, so that both are asked the same
    pair            the two brokers, and asking them
    world           the topics, groups and transactions that each test finds in both
    stored          records of the coordinators and of the old formats, taken apart
    normalising     rules for what may differ in an answer, each with its reason
    differences     where we knowingly answer otherwise, each with its reason
    comparing       what differs after all that, and the report of it

A run goes on after a difference, and reports all that it found at its end, grouped: which field,
what Kafka said, what we said, how often, and one request to see it with.
"""
