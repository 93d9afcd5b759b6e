"""Consumer groups, committed offsets, transactions and producer ids."""

from typing import Final

from broker.config.allowed import at_least, one_of
from broker.config.values import BOOLEAN, INT, LIST, LONG, SHORT, Property

COORDINATORS: Final = (
    Property("group.coordinator.append.linger.ms", INT, "10", at_least(0)),
    Property("group.coordinator.new.enable", BOOLEAN, "false", internal=True),
    Property(
        "group.coordinator.rebalance.protocols",
        LIST,
        "classic",
        one_of("consumer", "classic", "share", "unknown"),
    ),
    Property("group.coordinator.threads", INT, "1", at_least(1)),
    Property("group.initial.rebalance.delay.ms", INT, "3000"),
    Property("group.max.session.timeout.ms", INT, "1800000"),
    Property("group.max.size", INT, "2147483647", at_least(1)),
    Property("group.min.session.timeout.ms", INT, "6000"),
    Property("offset.metadata.max.bytes", INT, "4096"),
    Property("offsets.commit.required.acks", SHORT, "-1"),
    Property("offsets.commit.timeout.ms", INT, "5000", at_least(1)),
    Property("offsets.load.buffer.size", INT, "5242880", at_least(1)),
    Property("offsets.retention.check.interval.ms", LONG, "600000", at_least(1)),
    Property("offsets.retention.minutes", INT, "10080", at_least(1)),
    Property("offsets.topic.compression.codec", INT, "0"),
    Property("offsets.topic.num.partitions", INT, "50", at_least(1)),
    Property("offsets.topic.replication.factor", SHORT, "3", at_least(1)),
    Property("offsets.topic.segment.bytes", INT, "104857600", at_least(1)),
    Property("producer.id.expiration.check.interval.ms", INT, "600000", at_least(1), internal=True),
    Property("producer.id.expiration.ms", INT, "86400000", at_least(1), dynamic=True),
    Property(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms", INT, "10000", at_least(1)
    ),
    Property("transaction.max.timeout.ms", INT, "900000", at_least(1)),
    Property("transaction.partition.verification.enable", BOOLEAN, "true", dynamic=True),
    Property(
        "transaction.remove.expired.transaction.cleanup.interval.ms", INT, "3600000", at_least(1)
    ),
    Property("transaction.state.log.load.buffer.size", INT, "5242880", at_least(1)),
    Property("transaction.state.log.min.isr", INT, "2", at_least(1)),
    Property("transaction.state.log.num.partitions", INT, "50", at_least(1)),
    Property("transaction.state.log.replication.factor", SHORT, "3", at_least(1)),
    Property("transaction.state.log.segment.bytes", INT, "104857600", at_least(1)),
    Property("transactional.id.expiration.ms", INT, "604800000", at_least(1)),
)
