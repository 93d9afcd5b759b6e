"""Coming and going: this broker is elected leader of a partition of `__transaction_state`, or is
not any more.

Elected, it reads the partition from start to end before it answers for its transactional ids: the
last record of a key holds, a tombstone removes it. Clients are told COORDINATOR_LOAD_IN_PROGRESS
and come back. Partitions are read one after the other, and the log is read in chunks, so that the
broker does its other work meanwhile. A transaction that is found prepared, in records that are
there to stay (`broker.coordinators.loading`), is ended, for it was decided before.

Resigned, it forgets the partition's transactions, and sends no more markers for them.

The same news may come twice, when the first time its handling was broken off (KAFKA-9307): what was
not done then is done now, and what was done is left alone (see `broker.coordinators.ownership`).

A partition that cannot be read is not served: its clients go on being told that it is loading, the
trace says why, and it is tried again. (Kafka serves what it had read until then, and loses
transactions in silence.)

Source: Kafka's loadTransactionsForTxnTopicPartition, removeTransactionsForTxnTopicPartition.
"""

import attrs
import trio

from broker.coordinators.background import Background
from broker.coordinators.loading import RETRY_S, read_back
from broker.coordinators.log import CoordinatorLog
from broker.transactions.ending import Ending
from broker.transactions.markers import Markers
from broker.transactions.owned import TransactionPartition, Transactions
from broker.transactions.transaction import Transaction
from broker.transactions.transaction_records import read_key, read_transaction
from broker.transactions.transaction_states import PREPARED
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch
from coordination.values import Recorder


@attrs.define
class Replay:
    """The transactional ids of one partition, as far as the log has been applied."""

    unknown_records: int = 0
    transactions: dict[str, Transaction] = attrs.field(factory=dict)

    def apply(self, batch: RecordBatch) -> None:
        """Apply the next batch. KafkaError: it, or a record in it, cannot be read."""
        for record in batch.records():
            if record.key is None:
                raise KafkaError(ErrorCode.CORRUPT_MESSAGE, "a record without a key")
            transactional_id = read_key(record.key)
            if transactional_id is None:
                self.unknown_records += 1
            elif record.value is None:
                self.transactions.pop(transactional_id, None)
            else:
                self.transactions[transactional_id] = read_transaction(
                    transactional_id, record.value
                )


@attrs.frozen
class Loading:
    """Takes partitions of `__transaction_state` over, and gives them up."""

    ownership: Transactions
    log: CoordinatorLog
    ending: Ending
    markers: Markers
    background: Background
    recorder: Recorder
    # To read: one partition at a time, in the order of the elections.
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def elected(self, partition: int, leader_epoch: int, cause: str) -> None:
        """This broker leads the partition: load it, unless that is old news, or done."""
        owned = self.ownership.own(partition, leader_epoch)
        if owned is not None:
            self.background.start(self._load, owned, cause)

    def resigned(self, partition: int, leader_epoch: int | None, cause: str) -> None:
        """This broker does not lead the partition (None: it was deleted here) any more."""
        owned = self.ownership.disown(partition, leader_epoch)
        if owned is None:
            return
        self.markers.give_up(owned)
        self.recorder(
            "transaction.unloaded",
            cause=cause,
            partition=partition,
            leader_epoch=leader_epoch,
            transactional_ids=len(owned.entries),
        )

    async def _load(self, owned: TransactionPartition, cause: str) -> None:
        await self.log.until_counted()
        while not await self._try_to_load(owned, cause):  # noqa: ASYNC110  (a log has no bell)
            await trio.sleep(RETRY_S)

    async def _try_to_load(self, owned: TransactionPartition, cause: str) -> bool:
        """False if it is ours still, and cannot be read."""
        started_at = trio.current_time()
        replay = Replay()
        try:
            if not await read_back(self.log, self.ownership, owned, self._turn, replay.apply):
                return True
        except KafkaError as error:
            if not self.ownership.still_owns(owned):
                return True
            self.recorder(
                "transaction.load_failed",
                cause=cause,
                partition=owned.partition,
                error=str(error),
            )
            return False
        owned.entries = replay.transactions
        owned.is_loaded = True
        prepared = [each for each in owned.entries.values() if each.state in PREPARED]
        event = self.recorder(
            "transaction.loaded",
            cause=cause,
            partition=owned.partition,
            leader_epoch=owned.leader_epoch,
            transactional_ids=len(owned.entries),
            prepared=[each.transactional_id for each in prepared],
            unknown_records=replay.unknown_records,
            took_ms=round((trio.current_time() - started_at) * 1000),
        )
        for transaction in prepared:
            self.ending.resume(owned, transaction, event)
        return True
