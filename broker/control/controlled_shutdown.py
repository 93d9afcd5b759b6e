"""Leaving in an orderly way: ask the controller to move our leaderships elsewhere.

Asked up to `controlled.shutdown.max.retries` times, while some partition could
not be moved, with `controlled.shutdown.retry.backoff.ms` between. A partition
with one replica can't be moved at all and isn't counted. When all of it fails
the broker stops anyway: the others learn it from the end of our session.

Kafka: KafkaServer.controlledShutdown.
"""

import logging

import trio

from broker.broker import Broker
from broker.control.client import ControllerUnavailable
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.controlled_shutdown import (
    ControlledShutdownRequest,
    ControlledShutdownResponse,
)

_log = logging.getLogger(__name__)


async def ask_to_leave(broker: Broker) -> bool:
    """True if the controller has let us go with all leaderships moved."""
    retries = broker.config.controlled_shutdown_max_retries
    for attempt in range(retries):
        if attempt:
            await trio.sleep(broker.config.controlled_shutdown_retry_backoff_ms / 1000)
        why_not = await _ask(broker)
        if why_not is None:
            return True
        _log.warning("controlled shutdown, attempt %d of %d: %s", attempt + 1, retries, why_not)
    _log.warning("stopping without the controller's leave")
    return False


async def _ask(broker: Broker) -> str | None:
    """None if we may stop, else why not."""
    timeout_s = broker.config.controller_socket_timeout_ms / 1000
    request = ControlledShutdownRequest(
        broker_id=broker.broker_id, broker_epoch=broker.broker_epoch
    )
    try:
        answer = await broker.controller_client.request(
            ApiKey.CONTROLLED_SHUTDOWN, 3, request, ControlledShutdownResponse, timeout_s
        )
    except ControllerUnavailable as error:
        return str(error)
    if answer.error_code != ErrorCode.NONE:
        return ErrorCode.of(answer.error_code).name
    if answer.remaining_partitions:
        names = [f"{p.topic_name}-{p.partition_index}" for p in answer.remaining_partitions]
        return f"still leading {', '.join(names[:10])}" + (", ..." if len(names) > 10 else "")
    return None
