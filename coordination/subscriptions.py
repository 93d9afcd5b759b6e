"""One session's events to everyone who reads them, in order, without ever waiting.

Events are published from where nothing may block (ZooKeeper's side), so each reader has a queue of
its own with a bound (`EVENT_QUEUE_SIZE` says why that number). A reader who lets it run full has
lost track: its queue is closed behind what it holds, which reads like the end of the session.
"""

import attrs
import trio

from coordination.store import (
    EVENT_QUEUE_SIZE,
    Reconnected,
    SessionLost,
    StoreEvent,
    WatchEvent,
)


@attrs.define(eq=False)
class Subscriptions:
    size: int = EVENT_QUEUE_SIZE
    _queues: list[trio.MemorySendChannel[StoreEvent]] = attrs.field(factory=list)
    _closed: bool = False

    def subscribe(self) -> trio.MemoryReceiveChannel[StoreEvent]:
        """A queue of all that is published from now on; after `close`, one that is at its end."""
        queue, reader = trio.open_memory_channel[StoreEvent](self.size)
        if self._closed:
            queue.close()
        else:
            self._queues.append(queue)
        return reader

    def publish(self, event: StoreEvent) -> None:
        for queue in self._queues.copy():
            try:
                queue.send_nowait(event)
            except trio.BrokenResourceError:  # its reader has unsubscribed
                self._queues.remove(queue)
            except trio.WouldBlock:
                self._queues.remove(queue)
                queue.close()

    def close(self) -> None:
        """Every queue ends behind what it holds."""
        self._closed = True
        for queue in self._queues:
            queue.close()
        self._queues.clear()


async def until_change(events: trio.MemoryReceiveChannel[StoreEvent], path: str) -> None:
    """Wait until the watch on `path` says something, or is gone (Reconnected): read it again.

    Raises SessionLost if the queue ends first.
    """
    async for event in events:
        if isinstance(event, Reconnected):
            return
        if isinstance(event, WatchEvent) and event.path == path:
            return
    raise SessionLost("the session is over", path)
