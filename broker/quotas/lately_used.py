"""One value for each of many keys, forgotten an hour after its last use, or if there are too many.

Whoever connects names himself as he likes, with up to 32 kB, and as often as he likes. So what is
kept for names must have an end in time, in number and in size: a key is kept by its hash. (That two
of ten thousand names have the same happens once in 10^11 times, and costs them a common limit.)

Kafka: ClientQuotaManagerConfig.InactiveSensorExpirationTimeSeconds; it has no bound in number.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

import attrs

FORGOTTEN_AFTER_S: Final = 3600.0
# More than a broker serves at a time. Of each there are some windows of 100 bytes.
MOST: Final = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@attrs.define(eq=False)
class LatelyUsed(Generic[K, V]):
    """`make` makes the value of a new key. The longest unused ones come first."""

    make: Callable[[], V]
    _values: OrderedDict[int, tuple[V, float]] = attrs.field(factory=OrderedDict, init=False)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K, now_s: float) -> V:
        at = hash(key)
        value, last_s = self._values.pop(at, (None, -FORGOTTEN_AFTER_S))
        if value is None or now_s - last_s >= FORGOTTEN_AFTER_S:
            value = self.make()
        self._values[at] = value, now_s
        self._forget_old(now_s)
        return value

    def clear(self) -> None:
        self._values.clear()

    def _forget_old(self, now_s: float) -> None:
        """At most two: one more than can have come, and no work that anybody would notice."""
        for _ in range(2):
            oldest = next(iter(self._values))
            if len(self._values) <= MOST and now_s - self._values[oldest][1] < FORGOTTEN_AFTER_S:
                return
            del self._values[oldest]
