"""Proposals of ISRs: at most one a partition, sent until decided, and the safe ISR meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.control.client import ControllerUnavailable
from broker.replica.isr_changes import IsrChanges
from broker.replica.partition import Partition
from broker.replica.roles import Leading
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionResponse,
    ResponsePartitionData,
    ResponseTopicData,
)
from tests.broker.replica.support import batch
from tests.broker.support import know, lead, open_broker, tp


@attrs.define
class Script:
    """A controller that answers by the book: one list of error codes a request, by partition."""

    answers: list[ErrorCode | dict[int, ErrorCode] | None]
    asked: list[AlterPartitionRequest] = attrs.field(factory=list)
    done: trio.Event = attrs.field(factory=trio.Event)

    async def request(self, api: ApiKey, version: int, message: Any, *_: Any) -> Any:
        await trio.lowlevel.checkpoint()
        if not self.answers:
            self.done.set()
            await trio.sleep_forever()
        self.asked.append(message)
        answer = self.answers.pop(0)
        if answer is None:
            raise ControllerUnavailable("scripted")
        if isinstance(answer, ErrorCode):
            return AlterPartitionResponse(error_code=answer)
        return AlterPartitionResponse(topics=[_topic(t, answer) for t in message.topics])


def _topic(topic: Any, codes: dict[int, ErrorCode]) -> ResponseTopicData:
    return ResponseTopicData(
        topic_id=topic.topic_id,
        partitions=[
            ResponsePartitionData(
                partition_index=asked.partition_index,
                error_code=codes.get(asked.partition_index, ErrorCode.NONE),
                isr=[state.broker_id for state in asked.new_isr_with_epochs],
                partition_epoch=asked.partition_epoch + 1,
                leader_epoch=asked.leader_epoch,
            )
            for asked in topic.partitions
        ],
    )


async def two_led(broker: Broker) -> list[Partition]:
    """t-0 and t-1, led with the ISR 1, 2; replica 3 may join."""
    await know(broker)
    for name in ("t-0", "t-1"):
        await lead(broker, name, isr=(1, 2), replicas=(1, 2, 3))
    return [broker.replicas.partitions[tp(name)] for name in ("t-0", "t-1")]


def catch_up(changes: IsrChanges, partition: Partition, follower: int = 3) -> None:
    end = partition.log.log_end_offset
    partition.follower_fetched(follower, end, 0, trio.current_time(), 30)
    changes.follower_caught_up(partition, follower)


async def play(changes: IsrChanges, script: Script) -> None:
    """Let the changes run until the script is at its end and nothing moves."""
    changes.controller = script  # type: ignore[assignment]
    async with trio.open_nursery() as nursery:
        await nursery.start(changes.run)
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(1):
            await script.done.wait()
        nursery.cancel_scope.cancel()


def roles(partitions: list[Partition]) -> Iterator[Leading]:
    for partition in partitions:
        assert isinstance(partition.role, Leading)
        yield partition.role


async def test_a_follower_that_caught_up_joins(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        partitions = await two_led(broker)
        broker.registered(11)
        for partition in partitions:
            catch_up(broker.isr_changes, partition)
        script = Script([{}])
        await play(broker.isr_changes, script)
        [request] = script.asked  # both go together
        assert (request.broker_id, request.broker_epoch) == (1, 11)
        [asked, _] = request.topics[0].partitions
        assert [(s.broker_id, s.broker_epoch) for s in asked.new_isr_with_epochs] == [
            (1, 11),
            (2, -1),
            (3, 30),
        ]
        for role in roles(partitions):
            assert (role.isr, role.partition_epoch) == ((1, 2, 3), 1)
            assert role.proposed_isr is None
        assert (broker.isr_changes.expands, broker.isr_changes.shrinks) == (2, 0)


async def test_who_is_dead_in_the_metadata_is_not_proposed(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        [partition, _] = await two_led(broker)
        await know(broker, brokers=(1, 2))
        catch_up(broker.isr_changes, partition)
        assert partition.leading().proposed_isr is None


async def test_a_follower_that_lags_is_dropped(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        [partition, other] = await two_led(broker)
        partition.append_as_leader(batch("a"), 1, trio.current_time())
        catch_up(broker.isr_changes, other, 2)
        script = Script([{}])
        broker.isr_changes.controller = script  # type: ignore[assignment]
        async with trio.open_nursery() as nursery:
            await nursery.start(broker.isr_changes.run)
            await trio.sleep(50)  # replica.lag.time.max.ms is 30 s, looked at every 15 s
            nursery.cancel_scope.cancel()
        [request] = script.asked
        [asked] = request.topics[0].partitions
        assert (asked.partition_index, len(asked.new_isr_with_epochs)) == (0, 1)
        assert partition.leading().isr == (1,)
        assert partition.high_watermark == 1
        assert (broker.isr_changes.expands, broker.isr_changes.shrinks) == (0, 1)


async def test_without_an_answer_the_same_is_asked_again(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partitions = await two_led(broker)
        catch_up(broker.isr_changes, partitions[0])
        script = Script([None, ErrorCode.STALE_BROKER_EPOCH, {0: ErrorCode.NOT_CONTROLLER}, {}])
        await play(broker.isr_changes, script)
        assert len(script.asked) == 4
        assert all(a.topics == script.asked[0].topics for a in script.asked)
        assert partitions[0].leading().isr == (1, 2, 3)


async def test_a_refused_proposal_is_not_asked_again_beside_an_undecided_one(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Were it done the second time, the high watermark would run ahead of the new member."""
    async with open_broker(tmp_path) as broker:
        partitions = await two_led(broker)
        for partition in partitions:
            catch_up(broker.isr_changes, partition)
        refusal = {0: ErrorCode.INELIGIBLE_REPLICA, 1: ErrorCode.NOT_CONTROLLER}
        script = Script([refusal, {}])
        await play(broker.isr_changes, script)
        [_, second] = script.asked
        assert [p.partition_index for p in second.topics[0].partitions] == [1]
        [refused, joined] = roles(partitions)
        assert (refused.isr, refused.proposed_isr) == ((1, 2), None)
        assert (broker.isr_changes.failed, broker.isr_changes.expands) == (1, 1)
        assert joined.isr == (1, 2, 3)


async def test_overtaken_the_larger_isr_counts_until_the_controller_tells(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """An earlier attempt may have been done, its answer lost: 3 may be in the ISR."""
    async with open_broker(tmp_path) as broker:
        partitions = await two_led(broker)
        [partition, _] = partitions
        catch_up(broker.isr_changes, partition)
        script = Script([None, {0: ErrorCode.INVALID_UPDATE_VERSION}])
        await play(broker.isr_changes, script)
        assert len(script.asked) == 2
        assert partition.leading().maximal_isr == {1, 2, 3}
        partition.append_as_leader(batch("a"), -1, trio.current_time())
        partition.follower_fetched(2, 1, 0, trio.current_time(), 20)
        assert partition.high_watermark == 0
        await lead(broker, "t-0", isr=(1, 2), replicas=(1, 2, 3), leader_epoch=1)
        assert partition.leading().proposed_isr is None
        partition.follower_fetched(2, 1, 0, trio.current_time(), 20)
        assert partition.high_watermark == 1


async def test_a_proposal_of_a_former_leadership_is_dropped(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partitions = await two_led(broker)
        catch_up(broker.isr_changes, partitions[0])
        await lead(broker, "t-0", isr=(1, 2), replicas=(1, 2, 3), leader_epoch=1)
        script = Script([])
        await play(broker.isr_changes, script)
        assert script.asked == []
        assert partitions[0].leading().proposed_isr is None


async def test_an_answer_after_the_leadership_is_lost_changes_nothing(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        [partition, _] = await two_led(broker)
        catch_up(broker.isr_changes, partition)

        class Meanwhile(Script):
            async def request(self, *arguments: Any) -> Any:
                answer = await super().request(*arguments)
                await lead(broker, "t-0", isr=(2,), replicas=(1, 2, 3), leader_epoch=1, leader=2)
                return answer

        await play(broker.isr_changes, Meanwhile([{}]))
        assert not isinstance(partition.role, Leading)
        assert partition.leader == 2
