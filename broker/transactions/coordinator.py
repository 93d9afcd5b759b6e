"""The transaction coordinator of one broker: its parts, its tasks, and one method for each request.

    InitProducerId ───┐                              ┌─▶ storing ─▶ __transaction_state
    AddPartitions ────┼─▶ decisions ─▶ Transition ───┤
    AddOffsets, EndTxn┘        ▲                     └─▶ ending ─▶ markers ─▶ partitions' leaders
    time ─▶ expiry ────────────┘                            ▲
    elections ─▶ loading ───────────────────────────────────┘
    Produce, TxnOffsetCommit ─▶ verification ─▶ the coordinator, here or elsewhere

Tasks, all in the nursery of `run`: one that looks for timed out transactions, one for expired ids,
two for markers without a destination; one or two for each broker that markers were sent to, one for
each of its answers after which markers are to be sent again, for the length of a pause; one for
each partition being loaded, each record being replicated and each transaction being ended. An idle
id costs nothing.

A request that comes while the coordinator does not run is answered COORDINATOR_NOT_AVAILABLE.

Source: Kafka's TransactionCoordinator, 3.9.
"""

from collections.abc import Awaitable, Callable, Collection

import trio

from broker.control.metadata_cache import MetadataCache
from broker.coordinators.background import Background
from broker.coordinators.log import CoordinatorLog, partition_for
from broker.network.broker_link import Links
from broker.transactions import decisions
from broker.transactions.config import TransactionConfig
from broker.transactions.decisions import Producer
from broker.transactions.ending import Ending
from broker.transactions.expiry import Expiry
from broker.transactions.homeless import AskForGone, Homeless
from broker.transactions.inspection import Filters
from broker.transactions.loading import Loading
from broker.transactions.markers import Markers
from broker.transactions.owned import TransactionPartition, Transactions
from broker.transactions.storing import TransactionStore
from broker.transactions.transaction import Transaction
from broker.transactions.verification import Verifier
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import Recorder, TopicPartition


class TransactionCoordinator:
    """All transactional ids of one broker. `clock_ms` is wall-clock time."""

    def __init__(
        self,
        config: TransactionConfig,
        log: CoordinatorLog,
        metadata: MetadataCache,
        links: Links,
        ask_for_gone: AskForGone,
        next_producer_id: Callable[[], Awaitable[int]],
        recorder: Recorder,
        clock_ms: Callable[[], int],
    ) -> None:
        self._config = config
        self._log = log
        self._next_producer_id = next_producer_id
        self._recorder = recorder
        self._clock_ms = clock_ms
        self._background = background = Background()
        self._ownership = ownership = Transactions(log, TransactionPartition)
        self._store = store = TransactionStore(log, ownership, background, clock_ms)
        timeout_s = config.request_timeout_ms / 1000
        homeless = Homeless(metadata, ask_for_gone)
        self._markers = markers = Markers(
            ownership, homeless, links, timeout_s, background, recorder
        )
        self._ending = ending = Ending(store, ownership, markers, background, recorder, clock_ms)
        self._loading = Loading(ownership, log, ending, markers, background, recorder)
        self._expiry = Expiry(config, ownership, store, ending, background, recorder, clock_ms)
        self.verifier = Verifier(log, metadata, links, timeout_s)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Coordinate until cancelled. Started: requests and elections may come."""
        try:
            async with self._background.running():
                self._background.start(self._expiry.run_timeouts)
                self._background.start(self._expiry.run_expiration)
                self._background.start(self._markers.follow_metadata)
                self._background.start(self._markers.look_for_deleted)
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._markers.close()
            self.verifier.close()

    # Elections, from LeaderAndIsr and StopReplica

    def elected(self, partition: int, leader_epoch: int, cause: str) -> None:
        """This broker leads a partition of `__transaction_state`; its loading begins."""
        self._loading.elected(partition, leader_epoch, cause)

    def resigned(self, partition: int, leader_epoch: int | None, cause: str) -> None:
        """This broker leads the partition no more; without an epoch: it was deleted here."""
        self._loading.resigned(partition, leader_epoch, cause)

    # From UpdateMetadata

    def partitions_deleted(self, partitions: Collection[TopicPartition]) -> None:
        """The transactions that are being ended need not wait for them any more."""
        self._markers.partitions_deleted(partitions, "the controller says so")

    # Requests. KafkaError: what the client is told.

    def partition_for(self, transactional_id: str) -> int:
        """The partition of `__transaction_state` whose leader coordinates the transactional id."""
        return partition_for(transactional_id, self._log.partition_count)

    async def init_producer_id(
        self, transactional_id: str, timeout_ms: int, expected: Producer | None
    ) -> Producer:
        """The id and epoch to go on with; `expected`: those that the producer has now (KIP-360).

        An open transaction is aborted, and then this is CONCURRENT_TRANSACTIONS: come back.
        """
        self._check(transactional_id)
        if not 0 < timeout_ms <= self._config.transaction_max_timeout_ms:
            raise KafkaError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
        owned, transaction, new_id = await self._prepare(transactional_id, timeout_ms, expected)
        transition = decisions.initialize(
            transaction, timeout_ms, expected, self._clock_ms(), new_id
        )
        if transition is None:
            error = await self._ending.abort(owned, transaction, "a newer producer")
            raise KafkaError(error if error else ErrorCode.CONCURRENT_TRANSACTIONS)
        _raise(await self._store.carry_out(owned, transaction, transition))
        self._recorder(
            "transaction.initialized",
            transactional_id=transactional_id,
            producer_id=transition.producer_id,
            producer_epoch=transition.producer_epoch,
        )
        return Producer(transition.producer_id, transition.producer_epoch)

    async def _prepare(
        self, transactional_id: str, timeout_ms: int, expected: Producer | None
    ) -> tuple[TransactionPartition, Transaction, int | None]:
        """The transaction, new if there is none, and a new producer id if that is needed."""
        new_id = None
        while True:
            self._check_open()
            owned = self._ownership.partition_of(transactional_id)
            transaction = owned.entries.get(transactional_id)
            if transaction is not None and (
                new_id is not None or not decisions.needs_new_id(transaction, expected)
            ):
                return owned, transaction, new_id
            if new_id is None:
                new_id = await self._next_producer_id()
                continue  # and look again: others were here meanwhile
            owned.entries[transactional_id] = Transaction(
                transactional_id, new_id, timeout_ms, last_update_ms=self._clock_ms()
            )

    async def add_partitions(
        self, transactional_id: str, producer: Producer, partitions: Collection[TopicPartition]
    ) -> None:
        """Answered when the transaction has them, in the log."""
        owned, transaction = self._find(transactional_id)
        transition = decisions.add_partitions(transaction, producer, partitions, self._clock_ms())
        if transition is not None:
            _raise(await self._store.carry_out(owned, transaction, transition))

    def verify_partitions(
        self, transactional_id: str, producer: Producer, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, ErrorCode]:
        """Whether the open transaction has the partitions; an error for each."""
        _, transaction = self._find(transactional_id)
        return decisions.verify(transaction, producer, partitions)

    async def end_transaction(
        self, transactional_id: str, producer: Producer, *, commit: bool
    ) -> None:
        """Answered when the outcome is in the log; the partitions hear of it afterwards."""
        owned, transaction = self._find(transactional_id)
        transition = decisions.end(transaction, producer, self._clock_ms(), commit=commit)
        if transition is not None:
            _raise(await self._ending.end(owned, transaction, transition))

    def describe(self, transactional_id: str) -> Transaction:
        """To be looked at only."""
        self._check(transactional_id)
        transaction = self._ownership.partition_of(transactional_id).entries.get(transactional_id)
        if transaction is None:
            raise KafkaError(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
        return transaction

    def list(self, filters: Filters) -> list[Transaction]:
        """To be looked at only."""
        self._check_open()
        if self._ownership.is_loading:
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        transactions = [transaction for _, transaction in self._ownership.entries()]
        return filters.select(transactions, self._clock_ms())

    def _find(self, transactional_id: str) -> tuple[TransactionPartition, Transaction]:
        self._check(transactional_id)
        owned = self._ownership.partition_of(transactional_id)
        transaction = owned.entries.get(transactional_id)
        if transaction is None:
            raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        return owned, transaction

    def _check(self, transactional_id: str) -> None:
        self._check_open()
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST)

    def _check_open(self) -> None:
        if not self._background.is_open:
            raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)


def _raise(error: ErrorCode) -> None:
    if error is not ErrorCode.NONE:
        raise KafkaError(error)
