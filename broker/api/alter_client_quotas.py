"""AlterClientQuotas: set and remove limits of users, clients and addresses (KIP-546).

Any broker does it: the quotas are written into ZooKeeper, each entity by itself, and every broker
learns of them by the notification.

Kafka: ZkAdminManager.alterClientQuotas.
"""

from collections.abc import Mapping

from broker.admin.client_quotas import address_of, with_changed_quotas
from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    RequestEntryData,
    ResponseEntityData,
    ResponseEntryData,
)
from broker.zookeeper import zookeeper_errors
from coordination.client_quotas import CLIENT_ID, IP, USER, QuotaEntity, sanitize
from coordination.configs import change_config, read_config


async def handle(
    broker: Broker, context: RequestContext, request: AlterClientQuotasRequest
) -> AlterClientQuotasResponse:
    return AlterClientQuotasResponse(
        entries=[
            await _alter(broker, context, entry, request.validate_only) for entry in request.entries
        ]
    )


async def _alter(
    broker: Broker, context: RequestContext, entry: RequestEntryData, validate_only: bool
) -> ResponseEntryData:
    result = ResponseEntryData(
        error_message=None,
        entity=[
            ResponseEntityData(entity_type=each.entity_type, entity_name=each.entity_name)
            for each in entry.entity
        ],
    )
    changes = [(op.key, None if op.remove else op.value) for op in entry.ops]
    try:
        context.require(Resource.CLUSTER)
        entity = await _checked({each.entity_type: each.entity_name for each in entry.entity})

        def changed(config: Mapping[str, str]) -> Mapping[str, str]:
            return with_changed_quotas(entity, config, changes)

        session = await broker.configs.session()
        with zookeeper_errors():
            if validate_only:
                changed(await read_config(session, entity.config_path))
            else:
                await change_config(session, entity.config_path, changed)
    except KafkaError as error:
        result.error_code, result.error_message = error.code, error.message
    return result


async def _checked(names: Mapping[str, str | None]) -> QuotaEntity:
    """Raises `KafkaError` for an entity that cannot have quotas."""
    if not names:
        raise _invalid("Invalid empty client quota entity")
    for kind, name in names.items():
        if kind not in (USER, CLIENT_ID, IP):
            raise _invalid(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise _invalid(f"Empty {kind} not supported")
        if name in (".", ".."):
            raise _invalid(f"A {kind} named {name} has no place in ZooKeeper")
    if IP in names and len(names) > 1:
        raise _invalid(
            "Invalid quota entity combination, IP entity should not be used with "
            "user/client ID entity."
        )
    if names.get(IP) is not None and await address_of(sanitize(names[IP])) is None:
        raise _invalid(f"{sanitize(names[IP])} is not a valid IP or resolvable host.")
    return QuotaEntity.of(names)


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
