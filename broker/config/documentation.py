"""What the properties in use mean: a sentence each, for DescribeConfigs (KIP-569).

Only what zbroker goes by is documented; for the other names the documentation is null.
"""

from typing import Final

from broker.config.table.topic import SYNONYMS

BROKER_DOCUMENTATION: Final = {
    # Who it is
    "broker.id": "The id of this broker; -1 for one that ZooKeeper generates at the first start.",
    "broker.id.generation.enable": "Whether a broker without an id is given a generated one.",
    "broker.rack": "Where the broker stands; replicas of a partition are spread over racks.",
    "node.id": "Another name of broker.id.",
    "process.roles": "Empty in ZooKeeper mode, the only mode of zbroker.",
    "reserved.broker.max.id": "Generated ids are larger than this one.",
    "controller.listener.names": "Must be empty in ZooKeeper mode.",
    "inter.broker.protocol.version": "What brokers speak among each other; zbroker speaks 3.9.",
    # ZooKeeper
    "zookeeper.connect": "The servers of the ensemble, host:port,.., and after them the chroot.",
    "zookeeper.connection.timeout.ms": "How long the first connection may take.",
    "zookeeper.session.timeout.ms": "After how much silence ZooKeeper takes the broker for dead.",
    # Listeners and connections
    "listeners": "Where the broker listens: NAME://host:port,..",
    "advertised.listeners": "Where clients and other brokers are told to connect to.",
    "listener.security.protocol.map": "What each listener speaks: NAME:PROTOCOL,..",
    "inter.broker.listener.name": "The listener that brokers use among each other.",
    "security.inter.broker.protocol": "The same, by protocol; for listeners named by it.",
    "control.plane.listener.name": "The listener that only the controller's requests use.",
    "socket.listen.backlog.size": "How many connections may wait to be accepted.",
    "socket.request.max.bytes": "The largest request; a larger one closes its connection.",
    "connections.max.idle.ms": "After how long an unused connection is closed; -1 for never.",
    "max.connection.creation.rate": "How many connections may be opened a second.",
    "max.connections": "How many connections the broker may have.",
    "max.connections.per.ip": "How many connections one address may have.",
    "max.connections.per.ip.overrides": "The same for single addresses: host:limit,..",
    "request.timeout.ms": "How long a request may wait for what it needs.",
    # Topics
    "auto.create.topics.enable": "Whether a topic is created because a client asks for it.",
    "delete.topic.enable": "Whether topics may be deleted.",
    "num.partitions": "Partitions of a topic whose creator does not say.",
    "default.replication.factor": "Replicas of a partition whose creator does not say.",
    "unclean.leader.election.enable": "Whether a replica outside the ISR may lead when the whole "
    "ISR is dead: the partition works again, and records may be lost.",
    "min.insync.replicas": "How many replicas must be in sync for an acks=all record.",
    # Replication
    "replica.lag.time.max.ms": "A follower that was not caught up for so long leaves the ISR.",
    "replica.fetch.max.bytes": "Records of one partition that a follower asks for at a time.",
    "replica.fetch.min.bytes": "A leader waits until it has as much for a follower, ..",
    "replica.fetch.wait.max.ms": ".. but not longer than this.",
    "replica.fetch.response.max.bytes": "Records of all partitions together in one answer.",
    "replica.fetch.backoff.ms": "How long a follower leaves a partition alone after an error.",
    "replica.socket.timeout.ms": "How long a follower waits for its leader's answer.",
    "replica.high.watermark.checkpoint.interval.ms": "How often high watermarks are written.",
    "fetch.max.bytes": "The most that a consumer's fetch is answered with.",
    "max.incremental.fetch.session.cache.slots": "How many clients may have a fetch session.",
    "replica.selector.class": "Which replica a consumer is told to read from.",
    "replication.quota.window.num": "Over how many windows throttled traffic is measured, ..",
    "replication.quota.window.size.seconds": ".. and how long each is.",
    "alter.log.dirs.replication.quota.window.num": "Over how many windows the traffic of moves is "
    "measured, ..",
    "alter.log.dirs.replication.quota.window.size.seconds": ".. and how long each is.",
    "leader.replication.throttled.rate": "Bytes a second that this broker sends, as leader, to "
    "the replicas that leader.replication.throttled.replicas of their topics name.",
    "follower.replication.throttled.rate": "Bytes a second that this broker fetches, as follower, "
    "for the replicas that follower.replication.throttled.replicas of their topics name.",
    "replica.alter.log.dirs.io.max.bytes.per.second": "Bytes a second for moving replicas from "
    "one log directory of this broker to another.",
    # Quotas
    "quota.window.num": "Over how many windows it is measured what clients use, ..",
    "quota.window.size.seconds": ".. and how long each is.",
    "controller.quota.window.num": "How many windows' worth of partitions a client may create or "
    "delete at once, ..",
    "controller.quota.window.size.seconds": ".. and how long each is.",
    # The controller
    "controller.socket.timeout.ms": "How long the controller and a broker wait for each other.",
    "auto.leader.rebalance.enable": "Whether leaders go back to where they are preferred.",
    "leader.imbalance.check.interval.seconds": "How often is looked for leaders that should.",
    "leader.imbalance.per.broker.percentage": "How many of a broker's leaders may be elsewhere.",
    "controlled.shutdown.enable": "Whether a stopping broker gives its leaderships away first.",
    "controlled.shutdown.max.retries": "How often it asks for that.",
    "controlled.shutdown.retry.backoff.ms": "How long it waits before it asks again.",
    # Log directories
    "log.dir": "The log directory, if log.dirs is not set.",
    "log.dirs": "The directories that hold the partitions' logs.",
    "num.recovery.threads.per.data.dir": "Threads of each directory that load logs at the start.",
    "num.replica.alter.log.dirs.threads": "How many replicas are moved between log directories at "
    "once; by default as many as there are log directories.",
    "log.initial.task.delay.ms": "How long after the start the upkeep of logs begins.",
    "log.retention.check.interval.ms": "How often logs are looked at for what is to be deleted.",
    "log.flush.offset.checkpoint.interval.ms": "How often recovery points are written.",
    "log.flush.start.offset.checkpoint.interval.ms": "How often log start offsets are written.",
    # Logs
    "compression.type": "The codec that records are kept in: gzip, snappy, lz4, zstd, "
    "uncompressed, or the producer's (producer).",
    "compression.gzip.level": "How hard gzip tries, 1 to 9; -1 for its default.",
    "compression.lz4.level": "How hard lz4 tries, 1 to 17; 9, the default, is the fast one.",
    "compression.zstd.level": "How hard zstd tries, up to 22; below 0 it is faster still.",
    "log.cleaner.backoff.ms": "How often is looked for logs to compact, while there are none.",
    "log.cleaner.dedupe.buffer.size": "Bytes for the keys of what is being compacted, 24 a key.",
    "log.cleaner.delete.retention.ms": "How long a record without value stays in a compacted log.",
    "log.cleaner.enable": "Whether logs are compacted.",
    "log.cleaner.io.buffer.load.factor": "How full the memory for the keys may become.",
    "log.cleaner.io.buffer.size": "Bytes that are read and written at a time by compaction.",
    "log.cleaner.io.max.bytes.per.second": "Bytes a second that compaction reads and writes.",
    "log.cleaner.max.compaction.lag.ms": "The longest that a record stays uncompacted.",
    "log.cleaner.min.cleanable.ratio": "How much of a log is not compacted when it becomes due.",
    "log.cleaner.min.compaction.lag.ms": "The shortest that a record stays uncompacted.",
    "log.cleaner.threads": "How many logs are compacted at a time, each by a process.",
    "log.cleanup.policy": "What happens to old segments: delete, compact, or both.",
    "log.flush.interval.messages": "Records after which a log is synced to disk.",
    "log.flush.interval.ms": "Time after which a log is synced to disk.",
    "log.flush.scheduler.interval.ms": "The same, if log.flush.interval.ms is not set.",
    "log.index.interval.bytes": "Bytes of records for each entry of the offset index.",
    "log.index.size.max.bytes": "The largest index; a full one ends its segment.",
    "log.message.timestamp.after.max.ms": "How far a record's time may lie in the future.",
    "log.message.timestamp.before.max.ms": "How far a record's time may lie in the past.",
    "log.message.timestamp.difference.max.ms": "The older name of both these limits.",
    "log.message.downconversion.enable": "Whether clients older than Kafka 0.11 get records in "
    "their format; if not, they are told UNSUPPORTED_VERSION.",
    "log.message.timestamp.type": "Whose time records have: the producer's (CreateTime) or that "
    "of their append (LogAppendTime).",
    "log.retention.bytes": "How large a partition's log may grow; -1 for any size.",
    "log.retention.ms": "How long records are kept; -1 for ever.",
    "log.retention.minutes": "The same in minutes, if log.retention.ms is not set.",
    "log.retention.hours": "The same in hours, if neither of the finer ones is set.",
    "log.roll.jitter.ms": "How much earlier, at most and by chance, a segment ends.",
    "log.roll.jitter.hours": "The same in hours, if log.roll.jitter.ms is not set.",
    "log.roll.ms": "After how long a segment ends that is not full.",
    "log.roll.hours": "The same in hours, if log.roll.ms is not set.",
    "log.segment.bytes": "How large a segment file may grow.",
    "log.segment.delete.delay.ms": "How long a deleted file stays on disk.",
    "message.max.bytes": "The largest batch of records.",
    # Groups
    "group.initial.rebalance.delay.ms": "How long a new group waits for more members.",
    "group.max.session.timeout.ms": "The longest session timeout of a member.",
    "group.max.size": "How many members a group may have.",
    "group.min.session.timeout.ms": "The shortest session timeout of a member.",
    "offset.metadata.max.bytes": "The longest text beside a committed offset.",
    "offsets.commit.timeout.ms": "How long a commit may wait for its replicas.",
    "offsets.load.buffer.size": "Bytes that are read at a time when offsets are loaded.",
    "offsets.retention.check.interval.ms": "How often offsets are looked at for expired ones.",
    "offsets.retention.minutes": "How long the offsets of an empty group are kept.",
    "offsets.topic.num.partitions": "Partitions of __consumer_offsets.",
    "offsets.topic.replication.factor": "Replicas of __consumer_offsets.",
    "offsets.topic.segment.bytes": "Segments of __consumer_offsets.",
    # Transactions and producer ids
    "producer.id.expiration.check.interval.ms": "How often silent producers are looked for.",
    "producer.id.expiration.ms": "After how long a silent producer is forgotten.",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "How often transactions are "
    "looked at for such as are over their timeout.",
    "transaction.max.timeout.ms": "The longest timeout that a transactional producer may ask for.",
    "transaction.partition.verification.enable": "Whether a transaction's coordinator is asked "
    "before its first records enter a partition (KIP-890).",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "How often transactional ids "
    "are looked at for expired ones.",
    "transaction.state.log.load.buffer.size": "Bytes that are read at a time when transactions "
    "are loaded.",
    "transaction.state.log.min.isr": "min.insync.replicas of __transaction_state.",
    "transaction.state.log.num.partitions": "Partitions of __transaction_state.",
    "transaction.state.log.replication.factor": "Replicas of __transaction_state.",
    "transaction.state.log.segment.bytes": "Segments of __transaction_state.",
    "transactional.id.expiration.ms": "How long a transactional id without a transaction is kept.",
}

_THROTTLED: Final = "Replicas whose traffic is limited on the {}'s side: partition:broker,.. or *."

# A topic config means for one topic what the broker's property behind it means for all.
TOPIC_DOCUMENTATION: Final = {
    name: BROKER_DOCUMENTATION[behind[0]]
    for name, behind in SYNONYMS.items()
    if behind[0] in BROKER_DOCUMENTATION
} | {
    "leader.replication.throttled.replicas": _THROTTLED.format("leader"),
    "follower.replication.throttled.replicas": _THROTTLED.format("follower"),
}
