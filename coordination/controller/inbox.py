"""What waits for the controller, in one order: hints, answers and requests.

Nobody who puts something in may be made to wait for the controller, except those who ask it for
something; each kind has its own bound:

    hints      each at most once: one more firing of the same watch, or of the clock, says nothing
               new. So no more than there are znodes watched.
    answers    one for each command sent, and the queues of commands are bounded
    requests   REQUESTS_AT_MOST; who asks beyond that waits for a place
"""

import itertools
from collections import deque
from collections.abc import Sequence
from typing import TypeAlias

import attrs
import trio

from coordination.controller.events import (
    CommandAnswered,
    Hint,
)
from coordination.controller.requests import (
    Request,
    Result,
)

__all__ = ["Inbox", "Item", "NotController", "Question", "Taken"]

REQUESTS_AT_MOST = 100
"""A broker has at most one request of each of its three kinds under way, so this many are a
cluster of dozens of brokers, all asking at once. Admins who ask wait their turn among them."""


class NotController(Exception):
    """This broker is not the controller, or stopped being it before it answered."""


@attrs.define(eq=False)
class Question:
    """A request that somebody waits for."""

    request: Request
    result: Result | None = None
    done: trio.Event = attrs.field(factory=trio.Event)

    def answer(self, result: Result) -> None:
        self.result = result
        self.done.set()


Item: TypeAlias = Hint | CommandAnswered | Question


@attrs.frozen(eq=False)
class Taken:
    """What the controller has before it; `at` is trio's clock's."""

    item: Item
    at: float


@attrs.define(eq=False)
class Inbox:
    taken: Taken | None = attrs.field(default=None, init=False)
    """None while it waits for something to do."""
    _items: deque[Item] = attrs.field(factory=deque)
    _hints: set[Hint] = attrs.field(factory=set)
    _questions: set[Question] = attrs.field(factory=set)
    _room: trio.Semaphore = attrs.field(factory=lambda: trio.Semaphore(REQUESTS_AT_MOST))
    _arrived: trio.Event = attrs.field(factory=trio.Event)
    _closed: bool = False

    def __len__(self) -> int:
        return len(self._items)

    def first(self, at_most: int) -> Sequence[Item]:
        """The oldest of those that wait, in their order."""
        return tuple(itertools.islice(self._items, at_most))

    def put_hint(self, hint: Hint) -> None:
        if hint not in self._hints:
            self._hints.add(hint)
            self._put(hint)

    def put_answer(self, answer: CommandAnswered) -> None:
        self._put(answer)

    async def ask(self, request: Request) -> Result:
        """Wait for the controller's result. Raises NotController when it resigns."""
        async with self._room:
            if self._closed:
                raise NotController
            question = Question(request)
            self._questions.add(question)
            self._put(question)
            try:
                await question.done.wait()
            finally:
                self._questions.discard(question)
        if question.result is None:
            raise NotController
        return question.result

    async def take(self) -> Item:
        """The oldest, as soon as there is one; the one before it is done with."""
        self.taken = None
        while not self._items:
            self._arrived = trio.Event()
            await self._arrived.wait()
        item = self._items.popleft()
        if not isinstance(item, CommandAnswered | Question):
            # From now on a firing watch is news again: the story reads after this.
            self._hints.discard(item)
        self.taken = Taken(item, trio.current_time())
        return item

    def close(self) -> None:
        """The controller is none any more: whoever waits learns so."""
        self._closed = True
        for question in self._questions:
            question.done.set()

    def _put(self, item: Item) -> None:
        self._items.append(item)
        self._arrived.set()
