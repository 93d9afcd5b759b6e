"""Holding a request to its client's quotas: what has it cost, and how long is he to be quiet?

Only called while some limit is set. Each request costs time of the event loop, a Produce request
its bytes; what a fetch has read and what was changed by way of the controller is counted by their
handlers, which say so in `throttle_time_ms` of their answers. The longest of them counts. An
acks=0 produce has no answer that could tell; its connection is silent all the same, or is closed if
a batch was refused: that doesn't make the others' bytes free.

Not held to it is what brokers ask of each other: see `_between_brokers`.

Kafka: KafkaApis.handleProduceRequest, RequestHandlerHelper.sendResponseMaybeThrottle.
"""

from collections.abc import Coroutine
from typing import Any, Final

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.network.answers import Answer, CloseConnection, Later, Throttled
from broker.quotas.rate import in_ms
from broker.quotas.stopwatch import Stopwatch
from broker.wire.apis import ApiKey

_BETWEEN_BROKERS: Final = frozenset(
    {
        ApiKey.LEADER_AND_ISR,
        ApiKey.STOP_REPLICA,
        ApiKey.UPDATE_METADATA,
        ApiKey.CONTROLLED_SHUTDOWN,
        ApiKey.ALTER_PARTITION,
        ApiKey.WRITE_TXN_MARKERS,
    }
)


async def held_to_quotas(
    broker: Broker,
    context: RequestContext,
    request: Any,
    handling: Coroutine[Any, Any, Answer],
) -> Answer:
    """The answer of `handling`, and how long its client is to be quiet after it."""
    if _between_brokers(context, request):
        return await handling
    quotas = broker.quotas
    watch = Stopwatch(quotas.busy_clock_s)
    try:
        answer = await (watch.time(handling) if quotas.request.limits else handling)
    except CloseConnection:
        _use_bytes(broker, context)
        raise
    quiet_s = _use_bytes(broker, context)
    if answer is not None:
        used_s = quotas.request.use(context.user, context.client, 100 * watch.busy_s)
        quiet_s = max(quiet_s, used_s)
    quiet_ms = max(in_ms(quiet_s), getattr(answer, "throttle_time_ms", 0))
    if not quiet_ms:
        return answer
    return Throttled(_telling(answer, quiet_ms), quiet_ms / 1000)


def _use_bytes(broker: Broker, context: RequestContext) -> float:
    """Count them, whatever became of them; returns for how many seconds he is to be quiet."""
    if context.api_key is not ApiKey.PRODUCE:
        return 0.0
    return broker.quotas.produce.use(context.user, context.client, context.size_bytes)


def _between_brokers(context: RequestContext, request: Any) -> bool:
    if context.api_key is ApiKey.FETCH:
        return replica_id_of(request) >= 0
    return context.api_key in _BETWEEN_BROKERS


def replica_id_of(fetch: Any) -> int:
    """Who fetches, by a field that has moved (KIP-903); below 0 for consumers."""
    state = fetch.replica_state
    replica_id: int = fetch.replica_id if state is None else state.replica_id
    return replica_id


def _telling(answer: Answer, throttle_time_ms: int) -> Answer:
    if isinstance(answer, Later):

        async def wait() -> Answer:
            return _telling(await answer.wait(), throttle_time_ms)

        return Later(wait, answer.is_ready)
    if hasattr(answer, "throttle_time_ms"):
        answer.throttle_time_ms = throttle_time_ms
    return answer
