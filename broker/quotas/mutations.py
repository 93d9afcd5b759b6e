"""How many partitions a client may create and delete a second: work for the controller (KIP-599).

Newer versions of the requests are held to it strictly: while the client is in debt a topic is
refused with THROTTLING_QUOTA_EXCEEDED; one more is made, however large, once the debt is paid.
Older clients don't know the error: theirs is done, and they are told to be quiet.

Kafka: ControllerMutationQuotaManager, StrictControllerMutationQuota.
"""

from collections.abc import Callable

import attrs

from broker.quotas.lately_used import LatelyUsed
from broker.quotas.limits import Limits, Names
from broker.quotas.rate import in_ms
from broker.quotas.token_bucket import TokenBucket
from broker.wire.errors import ErrorCode, KafkaError


@attrs.define(eq=False)
class Mutations:
    """What one request has changed and may change. Without a `bucket` it may change anything."""

    clock_s: Callable[[], float]
    is_strict: bool = True
    bucket: TokenBucket | None = None
    limit: float = 0.0
    _quiet_until_s: float = attrs.field(default=0.0, init=False)

    @property
    def are_limited(self) -> bool:
        return self.bucket is not None

    def take(self, partition_count: int) -> None:
        """Raises `KafkaError` THROTTLING_QUOTA_EXCEEDED if they may not be changed now."""
        if self.bucket is None:
            return
        now_s = self.clock_s()
        if self.is_strict:
            self._hear(self.bucket.wait_s(self.limit, now_s), now_s)
            if self._quiet_until_s > now_s:
                raise KafkaError(ErrorCode.THROTTLING_QUOTA_EXCEEDED)
            self.bucket.take(partition_count, self.limit, now_s)
        else:
            self.bucket.take(partition_count, self.limit, now_s)
            self._hear(self.bucket.wait_s(self.limit, now_s), now_s)

    def _hear(self, wait_s: float, now_s: float) -> None:
        if wait_s > 0:
            self._quiet_until_s = now_s + wait_s

    @property
    def throttle_time_ms(self) -> int:
        """How long who asked is to be quiet, from now on."""
        if not self._quiet_until_s:
            return 0
        return in_ms(self._quiet_until_s - self.clock_s())


@attrs.define(eq=False)
class MutationQuota:
    """All clients'. `limits` are those that are set now."""

    window_count: int
    window_s: float
    clock_s: Callable[[], float]
    limits: Limits = attrs.field(factory=Limits, init=False)
    _buckets: LatelyUsed[Names, TokenBucket] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._buckets = LatelyUsed(lambda: TokenBucket(self.window_count * self.window_s))

    def changed(self, limits: Limits) -> None:
        """As `ClientQuota.changed`."""
        self.limits = limits
        if not limits:
            self._buckets.clear()

    def begin(self, user: str, client_id: str, *, strict: bool) -> Mutations:
        """For one request."""
        found = self.limits.of_client(user, client_id) if self.limits else None
        if found is None:
            return Mutations(self.clock_s)
        shared_by, limit = found
        bucket = self._buckets.get(shared_by, self.clock_s())
        return Mutations(self.clock_s, strict, bucket, limit)
