"""Exactly once, whoever dies: transactions as clients use them, on real processes.

    load (an idempotent producer that never stops, tests.interop.faults.load)
      │
      ▼
    input ──► instances: consume, transform, produce, and the offsets; one transaction ──► output
                loop.py                    librdkafka (confluent-kafka)
                java/TransactionalLoop     the Java client
                examples.WordCount         Kafka Streams, exactly_once_v2
      │                                                                                      │
      └──────────────► verdict: each input once in what is committed ◄───────────────────────┘

The loops abort at random; instances, coordinators and leaders are killed (SIGKILL) meanwhile.

    instances      the processes: started, killed, brought back
    committed      what a reader of committed records sees, to the last stable offset
    verdict        ... compared with what went in
    raw_producer   a transactional producer that sends what none would, when none would
    list_append    a workload whose history is held to what transactions promise (row 39)

    pytest tests/interop/transactions                    against zbroker
    pytest tests/interop/transactions --cluster kafka    the same for a real Kafka 3.9.1
"""
