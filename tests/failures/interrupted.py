"""The controller of the golden scripts, interrupted at any one of its dealings with ZooKeeper.

A *step* is one thing asked of ZooKeeper: a read, a list of children, a multi. `die_at` is the
step at which the controller's process ends: before ZooKeeper is asked or, if `heard` is False,
after ZooKeeper has done it and before the answer is heard. What earlier steps led to has been
sent to the brokers by then; what the last one would have led to has not.
"""

import attrs

from coordination.controller import effects as eff
from coordination.controller.events import (
    Answer,
)
from coordination.store import Op, Stat, StoreError
from tests.golden.controller_world import ControllerWorld
from tests.golden.script import Command


class Gone(Exception):
    """The controller's process has ended."""


@attrs.define
class InterruptedWorld(ControllerWorld):
    steps: int = 0
    writes: int = 0
    die_at: int | None = None
    heard: bool = True

    def script(self, *lines: str) -> None:
        for line in lines:
            self.run(Command.parse(line))

    def replaced_by(self, broker_id: int) -> None:
        """Another broker is elected. What the brokers answer the dead one, nobody hears."""
        self.active = None
        self.die_at = None
        self.stop_replicas.clear()
        self.leader_and_isrs.clear()
        self.update_metadatas.clear()
        self.script(f"controller {broker_id}")

    def carry_out(self, effect: eff.Effect) -> Answer:
        if isinstance(effect, eff.ASKS) and not isinstance(effect, eff.Persist):
            self._begin_step()
            answer = super().carry_out(effect)
            self._end_step()
            return answer
        return super().carry_out(effect)

    def persist(self, multi: tuple[Op, ...]) -> list[str | Stat | None] | StoreError:
        self._begin_step()
        self.writes += 1
        outcome = super().persist(multi)
        self._end_step()
        return outcome

    def _begin_step(self) -> None:
        if self.steps == self.die_at and self.heard:
            raise Gone
        self.steps += 1

    def _end_step(self) -> None:
        if self.steps - 1 == self.die_at and not self.heard:
            raise Gone


def three_brokers(*lines: str) -> InterruptedWorld:
    """Brokers 1 to 3, and what the script says; no step is counted yet."""
    world = InterruptedWorld()
    world.script("broker 1", "broker 2", "broker 3", *lines)
    world.steps = world.writes = 0
    return world
