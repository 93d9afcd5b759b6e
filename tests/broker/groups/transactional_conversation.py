"""A conversation about offsets in transactions, held with a broker that coordinates all there is.

As `conversation`: the same requests go to a real Kafka 3.9.1, which dictates
`golden/transactional_conversation.txt`, and to a running zbroker. A producer's id and epoch are
whatever the broker has given; what a marker decides is asked for until it has been written.
"""

from typing import Any, Final

import attrs
import trio

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest
from broker.wire.messages.delete_groups import DeleteGroupsRequest
from broker.wire.messages.end_txn import EndTxnRequest
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.init_producer_id import InitProducerIdRequest
from broker.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from tests.broker.groups.conversation import TOPIC, Conversation, Speaker

TRANSACTIONAL_ID: Final = "conversing"
TIMEOUT_S: Final = 30
POLL_S: Final = 0.05


@attrs.define
class TransactionalConversation(Conversation):
    """`producer_id` and `producer_epoch` are the last that the broker gave."""

    producer_id: int = -1
    producer_epoch: int = -1

    async def init(self) -> None:
        """Be the producer of the transactional id, once its coordinator can be asked."""
        request = InitProducerIdRequest(
            transactional_id=TRANSACTIONAL_ID, transaction_timeout_ms=60_000
        )
        find = FindCoordinatorRequest(key=TRANSACTIONAL_ID, key_type=1)  # makes its topic
        with trio.fail_after(TIMEOUT_S):
            while True:
                await self.speaker.send("p", ApiKey.FIND_COORDINATOR, 3, find)
                await self.speaker.receive("p")
                await self.speaker.send("p", ApiKey.INIT_PRODUCER_ID, 4, request)
                answer = await self.speaker.receive("p")
                if answer.error_code == ErrorCode.NONE:
                    break
                await trio.sleep(POLL_S)
        self.producer_id, self.producer_epoch = answer.producer_id, answer.producer_epoch

    async def add(self) -> None:
        """AddOffsetsToTxn, when the markers of the transaction before have been written."""
        request = AddOffsetsToTxnRequest(**self._producer, group_id=self.group)
        with trio.fail_after(TIMEOUT_S):
            lines = list(self.lines)
            while (
                await self.ask("p", ApiKey.ADD_OFFSETS_TO_TXN, 3, request)
            ).error_code == ErrorCode.CONCURRENT_TRANSACTIONS:
                self.lines = list(lines)
                await trio.sleep(POLL_S)

    async def store(
        self, version: int = 3, offset: int = 1, partitions: tuple[int, ...] = (0,), **fields: Any
    ) -> Any:
        """TxnOffsetCommit."""
        metadata = fields.pop("metadata", "in a transaction")
        names = fields.pop("names", [TOPIC])
        committed = [
            TxnOffsetCommitRequestPartition(
                partition_index=each,
                committed_offset=offset,
                committed_leader_epoch=3 if version >= 2 else -1,
                committed_metadata=metadata,
            )
            for each in partitions
        ]
        topics = [TxnOffsetCommitRequestTopic(name=name, partitions=committed) for name in names]
        request = TxnOffsetCommitRequest(
            **(self._producer | {"group_id": self.group, "topics": topics} | fields)
        )
        return await self.ask("p", ApiKey.TXN_OFFSET_COMMIT, version, request)

    async def end(self, *, committed: bool, **fields: Any) -> None:
        request = EndTxnRequest(**(self._producer | {"committed": committed} | fields))
        await self.ask("p", ApiKey.END_TXN, 3, request)

    async def fetch_when_stable(self) -> None:
        """Write down what is committed when nothing is open any more."""
        lines = list(self.lines)
        with trio.fail_after(TIMEOUT_S):
            while True:
                answer = await self.fetch("a", 7, (0, 1), require_stable=True)
                [topic] = answer.topics
                if all(each.error_code == ErrorCode.NONE for each in topic.partitions):
                    break
                self.lines = list(lines)
                await trio.sleep(POLL_S)
        await self.fetch("a", 7, None, require_stable=True)

    @property
    def _producer(self) -> dict[str, Any]:
        return {
            "transactional_id": TRANSACTIONAL_ID,
            "producer_id": self.producer_id,
            "producer_epoch": self.producer_epoch,
        }


async def converse(speaker: Speaker, group: str) -> str:
    """Hold the whole conversation about a group that does not exist yet."""
    c = TransactionalConversation(speaker, group)
    await c.init()
    for chapter in (
        _outside_of_a_transaction,
        _committed,
        _aborted,
        _wrong_producers,
        _members,
        _deleting,
    ):
        c.say((chapter.__doc__ or "").strip())
        await chapter(c)
    return "\n".join(c.lines).strip() + "\n"


async def _outside_of_a_transaction(c: TransactionalConversation) -> None:
    """no transaction"""
    for version in range(5):
        await c.store(version)
    await c.describe("a")
    await c.store(group_id="")
    await c.store(names=["no-such-topic"])
    await c.store(topics=[])
    await c.fetch("a", 9, None)
    await c.fetch("a", 9, None, require_stable=True)


async def _committed(c: TransactionalConversation) -> None:
    """a transaction that commits"""
    await c.add()
    for version in range(5):
        await c.store(version, offset=10 + version)
    await c.fetch("a", 9)
    await c.fetch("a", 9, require_stable=True)
    await c.fetch("a", 7, require_stable=True)
    await c.fetch("a", 9, None, require_stable=True)
    await c.store(partitions=(0, 7), names=[TOPIC, "no-such-topic"], offset=20)
    await c.store(metadata="x" * 4097)
    await c.end(committed=True)
    await c.fetch_when_stable()
    await c.describe("a")


async def _aborted(c: TransactionalConversation) -> None:
    """a transaction that aborts"""
    await c.add()
    await c.store(offset=30, partitions=(0, 1))
    await c.fetch("a", 9)
    await c.fetch("a", 9, require_stable=True)
    await c.fetch("a", 9, None, require_stable=True)
    await c.end(committed=False)
    await c.fetch_when_stable()


async def _wrong_producers(c: TransactionalConversation) -> None:
    """producers that are none"""
    # Not among them: one of an epoch that the coordinator never gave. Kafka 3.9 lets it into the
    # transaction that is open here; from 4.0 on it compares epochs, and so does zbroker.
    await c.add()
    await c.store(offset=40)
    epoch = c.producer_epoch
    for version in (3, 4):
        await c.store(version, transactional_id="nobody", group_id=c.group + "-other")
        await c.store(version, producer_id=99_999, group_id=c.group + "-other")
        await c.store(version, group_id=c.group + "-other")
    await c.init()
    await c.store(producer_epoch=epoch)
    await c.fetch_when_stable()


async def _members(c: TransactionalConversation) -> None:
    """members of a group"""
    c.group += "-members"
    a = await c.join_twice("a", group_instance_id=None)
    await c.sync("a", a, [a.member_id])
    member = {"member_id": a.member_id, "generation_id": a.generation_id}
    await c.store()
    await c.add()
    await c.store(**member, offset=50)
    await c.store(**(member | {"generation_id": 99}))
    await c.store(**(member | {"generation_id": -1}))
    await c.store(**(member | {"member_id": "nobody"}))
    await c.store(**(member | {"member_id": ""}))
    await c.store(**member, group_instance_id="unknown")
    await c.store(offset=51)
    await c.store(2, offset=52)
    await c.end(committed=True)
    await c.fetch_when_stable()
    await c.forget("a")
    await c.leave("a", 1, member_id=a.member_id)
    await c.store(**member)


async def _deleting(c: TransactionalConversation) -> None:
    """offsets that are deleted while a transaction has others"""
    await c.add()
    await c.store(offset=60, partitions=(0, 1))
    await c.forget("a", (0,))
    await c.fetch("a", 9, require_stable=True)
    delete = DeleteGroupsRequest(groups_names=[c.group])
    await c.ask("a", ApiKey.DELETE_GROUPS, 2, delete)
    await c.describe("a")
    await c.end(committed=True)
    await c.fetch_when_stable()
