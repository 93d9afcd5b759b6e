"""Every API that is advertised has its handler, found by its name."""

import inspect

import pytest

from broker.api.dispatch import handler_of
from broker.wire.apis import API_TABLE, ApiKey


@pytest.mark.parametrize("api_key", list(API_TABLE))
def test_every_advertised_api_has_a_handler(api_key: ApiKey) -> None:
    handler = handler_of(ApiKey(api_key))
    assert inspect.iscoroutinefunction(handler)
    assert len(inspect.signature(handler).parameters) == 3
