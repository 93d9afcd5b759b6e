"""One value for each of many keys, forgotten an hour after its last use.

Whoever connects names himself as he likes, so what is kept for each name must have an end.

Kafka: ClientQuotaManagerConfig.InactiveSensorExpirationTimeSeconds.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import attrs

FORGOTTEN_AFTER_S: Final = 3600.0

K = TypeVar("K")
V = TypeVar("V")


@attrs.define(eq=False)
class LatelyUsed(Generic[K, V]):
    """`make` makes the value of a new key. The longest unused ones come first."""

    make: Callable[[], V]
    _values: dict[K, tuple[V, float]] = attrs.field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K, now_s: float) -> V:
        self._forget_old(now_s)
        found = self._values.pop(key, None)
        value = self.make() if found is None else found[0]
        self._values[key] = value, now_s
        return value

    def _forget_old(self, now_s: float) -> None:
        while self._values:
            key, (_, last_s) = next(iter(self._values.items()))
            if now_s - last_s < FORGOTTEN_AFTER_S:
                return
            del self._values[key]
