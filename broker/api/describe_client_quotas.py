"""DescribeClientQuotas: the quotas of all entities that the filter lets through (KIP-546).

The filter has a component for each type that counts: an exact name, the default, or any name. An
entity must match each; one that has a type besides is left out if the filter is strict.

Kafka: ZkAdminManager.describeClientQuotas.
"""

from collections.abc import Sequence
from typing import Final

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)
from broker.zookeeper import zookeeper_errors
from coordination.client_quotas import CLIENT_ID, IP, USER, QuotaEntity

EXACT, DEFAULT, ANY = 0, 1, 2
_NOUNS: Final = {USER: "user", CLIENT_ID: "client", IP: "ip"}


async def handle(
    broker: Broker, context: RequestContext, request: DescribeClientQuotasRequest
) -> DescribeClientQuotasResponse:
    try:
        components = check_filter(request.components)
        with zookeeper_errors():
            await broker.client_quotas.read_all(await broker.configs.session())
    except KafkaError as error:
        return DescribeClientQuotasResponse(
            error_code=error.code, error_message=error.message, entries=None
        )
    return DescribeClientQuotasResponse(
        entries=[
            EntryData(
                entity=[
                    EntityData(entity_type=kind, entity_name=name) for kind, name in entity.names
                ],
                values=[ValueData(key=key, value=value) for key, value in limits.items()],
            )
            for entity, limits in broker.client_quotas.current.items()
            if matches(entity, components, strict=request.strict)
        ],
    )


def check_filter(components: Sequence[ComponentData]) -> dict[str, ComponentData]:
    """The components by entity type; raises `KafkaError` for what cannot be together."""
    by_type: dict[str, ComponentData] = {}
    for component in components:
        kind = component.entity_type
        if not kind:
            raise _invalid("Unexpected empty filter component entity type")
        if kind not in _NOUNS:
            message = f"Custom entity type '{kind}' not supported"
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, message)
        if component.match_type not in (EXACT, DEFAULT, ANY):
            raise _invalid(f"Unexpected match type: {component.match_type}")
        if kind in by_type:
            raise _invalid(f"Duplicate {_NOUNS[kind]} filter component entity type")
        by_type[kind] = component
    if IP in by_type and len(by_type) > 1:
        raise _invalid(
            "Invalid entity filter component combination, IP filter component should not be used "
            "with user or clientId filter component."
        )
    return by_type


def matches(entity: QuotaEntity, components: dict[str, ComponentData], *, strict: bool) -> bool:
    names = entity.name_of
    if strict and names.keys() - components.keys():
        return False
    for kind, component in components.items():
        if kind not in names:
            return False
        if component.match_type == EXACT and names[kind] != component.match:
            return False
        if component.match_type == DEFAULT and names[kind] is not None:
            return False
    return True


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
