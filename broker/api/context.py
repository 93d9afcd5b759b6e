"""Who asks, through what: the part of a request that is not in its body."""

import attrs

from broker.wire.apis import ApiKey


@attrs.frozen
class RequestContext:
    """Handed to every handler. `listener` is the name of the listener it came in by."""

    api_key: ApiKey
    api_version: int
    correlation_id: int
    client_id: str | None
    listener: str
    principal: str
    host: str
