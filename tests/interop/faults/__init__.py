"""Faults under load: whatever single thing fails, nothing acknowledged is lost and clients go on.

Real processes, a ZooKeeper and three brokers, and a producer that never stops:

    load       an idempotent acks=all producer, keyed; remembers each acknowledgement and its time
    watch      ZooKeeper's side: when an ephemeral node vanished, when the ISRs are full again
    verdict    reads everything back: nothing lost, nothing twice, each key in order, and the
               three replicas' files the same bytes
    figures    the longest silence between acknowledgements, printed beside the real Kafka's

    pytest tests/interop/faults                    against zbroker
    pytest tests/interop/faults --cluster kafka    the same faults for a real Kafka 3.9.1

The figures are for one and the same negotiated session timeout, `SESSION_TIMEOUT_S`. A crash
can't be noticed sooner than that, so what counts there is the time from the vanishing of the
ephemeral node to the next acknowledgement.
"""
