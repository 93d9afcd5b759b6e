"""The table of what is served, and the way from a request to its handler.

A handler's module has the name of its API in lower case and is imported with its
messages when the API is first used: of thirty APIs a broker needs six before it
serves its first record, and importing all would take half of its start.

On the way every request passes the two who may object: what its API needs of the
whole request is asked of the authorizer (see `broker.api.permissions`), and where
quotas are set they say how long the client must be quiet afterwards (see
`broker.api.throttling`).
"""

import importlib
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any

from broker.api.context import RequestContext
from broker.api.permissions import DENIED, NEEDS
from broker.api.throttling import held_to_quotas
from broker.broker import Broker
from broker.network.answers import Answer
from broker.network.listener import Dispatch
from broker.wire.apis import API_TABLE, ApiKey

Handler = Callable[[Broker, RequestContext, Any], Coroutine[Any, Any, Answer]]


@cache
def handler_of(api_key: ApiKey) -> Handler:
    """`broker.api.<name>.handle`; every API of `API_TABLE` has one."""
    handle: Handler = importlib.import_module(f"broker.api.{api_key.name.lower()}").handle
    return handle


def dispatcher(broker: Broker) -> Dispatch:
    """What the listeners of `broker` call for each request."""

    async def dispatch(context: RequestContext, request: object) -> Answer:
        denial = None if context.authorizer is None else _denial(context, request)
        if denial is None:
            handling = handler_of(context.api_key)(broker, context, request)
        else:
            handling = _saying(denial)
        if broker.quotas.in_force:
            return await held_to_quotas(broker, context, request, handling)
        return await handling

    return dispatch


async def _saying(answer: Answer) -> Answer:
    """In a handler's place: being refused costs time, too."""
    return answer


def _denial(context: RequestContext, request: object) -> Answer:
    """The answer to someone who lacks a permission for the whole request, None if he has all."""
    for need in NEEDS[context.api_key]:
        if need.name_of is not None and not context.may(need.resource, need.name_of(request)):
            denied: Answer = API_TABLE[context.api_key].response_class(
                error_code=DENIED[need.resource]
            )
            return denied
    return None
