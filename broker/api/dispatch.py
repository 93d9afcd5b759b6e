"""The table of what is served, and the way from a request to its handler.

A handler's module has the name of its API in lower case and is imported with its
messages when the API is first used: of thirty APIs a broker needs six before it
serves its first record, and importing all would take half of its start.
"""

import importlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.listener import Answer, Dispatch
from broker.wire.apis import ApiKey

Handler = Callable[[Broker, RequestContext, Any], Awaitable[Answer]]


@cache
def handler_of(api_key: ApiKey) -> Handler:
    """`broker.api.<name>.handle`; every API of `API_TABLE` has one."""
    handle: Handler = importlib.import_module(f"broker.api.{api_key.name.lower()}").handle
    return handle


def dispatcher(broker: Broker) -> Dispatch:
    """What the listeners of `broker` call for each request."""

    async def dispatch(context: RequestContext, request: object) -> Answer:
        return await handler_of(context.api_key)(broker, context, request)

    return dispatch
