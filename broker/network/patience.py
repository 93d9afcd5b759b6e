"""For how long a connection waits for its client: one task tells, and no request pays for it.

A deadline of trio's that moves with each request is put into a heap and taken out again, twice a
request, and an answer's own scope once more: a tenth of all that a small Produce took. So whoever
waits only notes since when, and a task sleeps until the first moment at which that is too long:

    waits since   ├──── longest_s ────┤ too long
    waits since       ├──── longest_s ────┤ it has heard of the client meanwhile: sleep on to here
    doesn't wait  ├──── longest_s ────┤ look again: a wait that begins now ends later than this

Kafka: Selector.IdleExpiryManager, which looks at the connection that was silent longest.
"""

import attrs
import trio


@attrs.define(eq=False)
class Patience:
    """With one client: since when it is waited for, if it is."""

    longest_s: float
    for_request_since_s: float | None = None  # or for its being gone
    for_reading_since_s: float | None = None  # of an answer

    async def is_lost(self) -> None:
        """Return when either wait lasts for `longest_s`."""
        while True:
            now_s = trio.current_time()
            since_s = min(
                now_s if self.for_request_since_s is None else self.for_request_since_s,
                now_s if self.for_reading_since_s is None else self.for_reading_since_s,
            )
            if now_s >= since_s + self.longest_s:
                return
            await trio.sleep_until(since_s + self.longest_s)

    @property
    def is_lost_for_reading(self) -> bool:
        """Whether it's an answer that waits for so long."""
        since_s = self.for_reading_since_s
        return since_s is not None and trio.current_time() >= since_s + self.longest_s
