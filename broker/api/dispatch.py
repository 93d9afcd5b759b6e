"""The table of what is served, and the way from a request to its handler.

A handler's module has the name of its API in lower case and is imported with its
messages when the API is first used: of thirty APIs a broker needs six before it
serves its first record, and importing all would take half of its start.

On the way every request passes the two who may object: what its API needs of the
whole request is asked of the authorizer (see `broker.api.permissions`), and the
quota says how long the client must be quiet afterwards.
"""

import importlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from broker.api.context import RequestContext
from broker.api.permissions import DENIED, NEEDS
from broker.broker import Broker
from broker.network.listener import Answer, Dispatch, Later
from broker.wire.apis import API_TABLE, ApiKey

Handler = Callable[[Broker, RequestContext, Any], Awaitable[Answer]]


@cache
def handler_of(api_key: ApiKey) -> Handler:
    """`broker.api.<name>.handle`; every API of `API_TABLE` has one."""
    handle: Handler = importlib.import_module(f"broker.api.{api_key.name.lower()}").handle
    return handle


def dispatcher(broker: Broker) -> Dispatch:
    """What the listeners of `broker` call for each request."""

    async def dispatch(context: RequestContext, request: object) -> Answer:
        if context.authorizer is not None:
            denial = _denial(context, request)
            if denial is not None:
                return denial
        answer = await handler_of(context.api_key)(broker, context, request)
        if broker.throttle_time_ms is None:
            return answer
        return _throttled(answer, broker.throttle_time_ms(context))

    return dispatch


def _denial(context: RequestContext, request: object) -> Answer:
    """The answer to someone who lacks a permission for the whole request, None if he has all."""
    for need in NEEDS[context.api_key]:
        if need.name_of is not None and not context.may(need.resource, need.name_of(request)):
            denied: Answer = API_TABLE[context.api_key].response_class(
                error_code=DENIED[need.resource]
            )
            return denied
    return None


def _throttled(answer: Answer, throttle_time_ms: int) -> Answer:
    """The answer, telling its client to be quiet for so long (KIP-219); brokers aren't told."""
    if isinstance(answer, Later):

        async def wait() -> Answer:
            return _throttled(await answer.wait(), throttle_time_ms)

        return Later(wait)
    if hasattr(answer, "throttle_time_ms"):
        answer.throttle_time_ms = throttle_time_ms
    return answer
