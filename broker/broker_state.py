"""How far a broker is with its life, by the numbers that Kafka gives to it.

    STARTING ─► RECOVERY ─► RUNNING ─► PENDING_CONTROLLED_SHUTDOWN ─► SHUTTING_DOWN
                the logs    clients    the leaderships are moved      the logs are
                are loaded  may come   away                           closed

Who is asked to stop before it runs goes to SHUTTING_DOWN at once. (0, not running, is said by
nobody's answer.)

Source: org.apache.kafka.metadata.BrokerState, kafka.server.KafkaServer.
"""

from enum import IntEnum


class BrokerState(IntEnum):
    STARTING = 1
    RECOVERY = 2
    RUNNING = 3
    PENDING_CONTROLLED_SHUTDOWN = 6
    SHUTTING_DOWN = 7
