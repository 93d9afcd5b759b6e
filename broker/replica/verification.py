"""Nothing enters a transaction of which its coordinator doesn't know (KIP-890, part 1).

    a transactional batch ──► is its transaction open in this log? ──yes──► append
                                │ no
                                ▼ a guard from the log
                              "does this partition belong to it?" ──► the coordinator
                                │ yes                   │ no
                                ▼                       ▼
                              append with the guard   refused

An older producer adds a partition to its transaction, and writes; of what was delayed on the way
the leader couldn't tell to which transaction it belonged, if to any. With this, what comes after
the end of its transaction is refused, unless the same producer has begun the next one with the same
partition meanwhile, and in the same epoch: that hole is closed by part 2 of the KIP, in Kafka 4,
with producers that get a new epoch for each transaction.

Once the first batch is in the log, no other of its transaction is asked after.

Kafka: ReplicaManager.maybeStartTransactionVerificationForPartitions, AddPartitionsToTxnManager.
"""

from collections.abc import Collection, Mapping
from typing import Final, Protocol

import attrs

from broker.log.partition_log import PartitionLog
from broker.log.verifications import VerificationGuard
from broker.replica.manager import ReplicaManager
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition

# What is no answer: the batch may come again, and enter then.
PASSING: Final = (
    ErrorCode.CONCURRENT_TRANSACTIONS,
    ErrorCode.NETWORK_EXCEPTION,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
)


class Verifier(Protocol):
    """Asks transactions' coordinators: `broker.transactions.verification`."""

    async def verify(
        self,
        transactional_id: str,
        producer_id: int,
        producer_epoch: int,
        partitions: Collection[TopicPartition],
    ) -> Mapping[TopicPartition, ErrorCode]:
        """What is to be said against each; nothing, or NONE, for those that belong to it.

        Of errors on the way: COORDINATOR_NOT_AVAILABLE, NETWORK_EXCEPTION, ..
        """
        ...


@attrs.frozen
class Verification:
    """What to append with, and what not to append. A partition may be in neither."""

    guards: Mapping[TopicPartition, VerificationGuard] = attrs.field(factory=dict)
    errors: Mapping[TopicPartition, ErrorCode] = attrs.field(factory=dict)


async def verify(
    replicas: ReplicaManager,
    verifier: Verifier,
    transactional_id: str,
    producer_id: int,
    producer_epoch: int,
    sequences: Mapping[TopicPartition, int],
) -> Verification:
    """Ask after the partitions in which the producer's transaction isn't open yet.

    sequences: of the first record for each partition, -1 for none.
    """
    guards: dict[TopicPartition, VerificationGuard] = {}
    logs: dict[TopicPartition, PartitionLog] = {}
    errors: dict[TopicPartition, ErrorCode] = {}
    for topic_partition, sequence in sequences.items():
        try:
            partition = replicas.find(topic_partition)
            partition.leading()
        except KafkaError as error:
            errors[topic_partition] = error.code
            continue
        guard = partition.log.begin_verification(producer_id, producer_epoch, sequence)
        if guard is not None:
            guards[topic_partition] = guard
            logs[topic_partition] = partition.log
    if guards:
        answers = await verifier.verify(transactional_id, producer_id, producer_epoch, [*guards])
        for topic_partition, code in answers.items():
            if code is not ErrorCode.NONE:
                errors[topic_partition] = code
                if code not in PASSING and topic_partition in guards:
                    logs[topic_partition].refuse_verification(
                        producer_id,
                        producer_epoch,
                        sequences[topic_partition],
                        guards[topic_partition],
                    )
    return Verification(guards, errors)
