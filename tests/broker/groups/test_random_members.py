"""Whatever members do, and in whatever order, the survivors end up in one Stable generation.

Members come, leave, crash, freeze, restart and commit at random moments, and the coordinator
resigns and is elected again. Then they are left in peace, and everyone alive must be a member of
the same generation with its own part of the assignment; nobody may still be waiting.
"""

from random import Random

import attrs
import pytest
import trio
from trio._core import _run
from trio.testing import MockClock

from broker.groups.committed_offsets import CommittedOffset
from broker.groups.leaving import LeavingMember
from broker.groups.member import JoinResult, SyncResult
from broker.groups.offsets import CommitRequest
from broker.wire.errors import ErrorCode
from coordination.values import TopicPartition
from tests.broker.groups.support import (
    PARTITION_COUNT,
    Client,
    Config,
    Setting,
    running_coordinator,
)

STORY_S = 300
PEACE_S = 400  # more than any timeout of a member that is gone


@attrs.define(eq=False)
class Life:
    """A consumer that does what client libraries do, until it is told to go."""

    client: Client
    rng: Random
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    leaves: bool = False  # politely, when it goes

    async def run(self) -> None:
        with self.scope:
            while True:
                await self.join()
                await self.beat()
        if self.leaves and self.client.member_id:
            leaving = LeavingMember(self.client.member_id, self.client.instance_id)
            with trio.CancelScope(shield=True):
                await _leave(self.client, leaving)

    async def join(self) -> None:
        while True:
            joined = await self.client.join()
            if joined.error in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
                self.client.member_id = ""
            if joined.error is ErrorCode.NONE:
                synced = await self.client.sync()
                if synced.error is ErrorCode.UNKNOWN_MEMBER_ID:
                    self.client.member_id = ""
                if synced.error is ErrorCode.NONE:
                    return
            await trio.sleep(self.rng.random())

    async def beat(self) -> None:
        """Heartbeats and commits, until it must join again."""
        while True:
            await trio.sleep(self.rng.uniform(1, 3))
            error = await self.client.heartbeat()
            if error is ErrorCode.NONE and self.rng.random() < 0.3:
                error = await self.commit()
            if error in (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID):
                self.client.member_id = ""
            if error not in (
                ErrorCode.NONE,
                ErrorCode.NOT_COORDINATOR,
                ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
            ):
                return

    async def commit(self) -> ErrorCode:
        tp = TopicPartition("t", 0)
        client = self.client
        errors = await client.setting.coordinator.commit_offsets(
            CommitRequest(
                "g",
                client.generation,
                client.member_id,
                client.instance_id,
                {tp: CommittedOffset(self.rng.randrange(100))},
            )
        )
        return errors[tp]


async def _leave(client: Client, leaving: LeavingMember) -> None:
    await client.setting.coordinator.leave("g", [leaving])


def new_life(setting: Setting, rng: Random, alive: list[Life]) -> Life:
    taken = {life.client.instance_id for life in alive}
    instance = rng.choice([None, None, "i1", "i2", "i3"])
    client = setting.member(
        instance_id=None if instance in taken else instance,
        version=rng.choice([3, 5, 9]),
        session_timeout_ms=rng.choice([6_000, 10_000, 30_000]),
        rebalance_timeout_ms=rng.choice([10_000, 60_000]),
        protocols=tuple((name, b"") for name in rng.choice(["ab", "ba", "a", "abc"])),
    )
    return Life(client, rng)


async def a_wild_time(setting: Setting, rng: Random) -> list[Life]:
    """Five minutes of it; returns who is alive."""
    alive: list[Life] = []
    epoch = 0
    with trio.move_on_after(STORY_S):
        while True:
            await trio.sleep(rng.expovariate(0.3))
            event = rng.choice(["come", "come", "come", "go", "crash", "restart", "move"])
            if event == "come" and len(alive) < 8:
                alive.append(new_life(setting, rng, alive))
                setting.nursery.start_soon(alive[-1].run)
            elif event == "move" and rng.random() < 0.3:
                epoch += 2
                for partition in range(PARTITION_COUNT):
                    setting.coordinator.resigned(partition, epoch - 1, "election")
                await trio.sleep(rng.random())
                for partition in range(PARTITION_COUNT):
                    setting.coordinator.elected(partition, epoch, "election")
            elif event in ("go", "crash", "restart") and alive:
                life = alive.pop(rng.randrange(len(alive)))
                life.leaves = event == "go"
                life.scope.cancel()
                await trio.lowlevel.checkpoint()
                if event == "restart":
                    again = new_life(setting, rng, alive)
                    again.client.instance_id = life.client.instance_id
                    alive.append(again)
                    setting.nursery.start_soon(again.run)
    if not alive:
        alive.append(new_life(setting, rng, alive))
        setting.nursery.start_soon(alive[-1].run)
    for partition in range(PARTITION_COUNT):
        setting.coordinator.elected(partition, epoch, "election")
    return alive


@pytest.mark.long
@pytest.mark.parametrize(
    "seed",
    [*range(2), *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(2, 60))],
)
async def test_the_survivors_end_in_one_generation(
    seed: int, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)
    _run._r.seed(seed)
    rng = Random(seed)
    delay_ms = rng.choice([0, 3_000])
    async with running_coordinator(Config(group_initial_rebalance_delay_ms=delay_ms)) as setting:
        alive = await a_wild_time(setting, rng)
        await trio.sleep(PEACE_S)
        group = await setting.coordinator.describe_group("g")
        assert group.state == "Stable"
        assert {member.member_id for member in group.members} == {
            life.client.member_id for life in alive
        }
        generations = {life.client.generation for life in alive}
        assert len(generations) == 1
        for life in alive:
            assert isinstance(life.client.joined, JoinResult)
            assert isinstance(life.client.synced, SyncResult)
            assert await life.client.heartbeat() is ErrorCode.NONE
        assert len({member.assignment for member in group.members}) == len(alive)
        for life in alive:
            life.leaves = False
            life.scope.cancel()
