"""What users, clients and addresses may use, as the brokers enforce it (KIP-546).

An entity is one or two names: of a user, of a client, of a user's client, of an address. A name
that is None is the default, for all that have no quota of their own.
"""

from collections.abc import Mapping, Sequence

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    OpData,
    RequestEntityData,
    RequestEntryData,
)
from broker.wire.messages.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.outcome import Outcome, outcome_of

# The wire's names of what has quotas, in the order in which Kafka's tool tells them.
USER, CLIENT_ID, IP = ENTITY_TYPES = ("user", "client-id", "ip")

_EXACT, _DEFAULT, _ANY = 0, 1, 2  # DescribeClientQuotas: match_type


@attrs.frozen
class QuotaEntity:
    """Names by type (`ENTITY_TYPES`); None is the default."""

    names: tuple[tuple[str, str | None], ...]

    def __str__(self) -> str:
        return ", ".join(
            f"the default {kind}" if name is None else f"{kind} {name!r}"
            for kind, name in self.names
        )


async def describe_quotas(
    cluster: Cluster, entity: QuotaEntity
) -> dict[QuotaEntity, dict[str, float]]:
    """The quotas of exactly this entity; none if nobody set any."""
    return await _described(cluster, [_component(kind, name) for kind, name in entity.names])


async def describe_all_quotas(
    cluster: Cluster, entity_type: str
) -> dict[QuotaEntity, dict[str, float]]:
    """The quotas of all entities that have this type alone."""
    return await _described(cluster, [ComponentData(entity_type=entity_type, match_type=_ANY)])


async def describe_every_quota(cluster: Cluster) -> dict[QuotaEntity, dict[str, float]]:
    """The quotas of all entities there are, users' clients too."""
    return await _described(cluster, [], strict=False)


def _component(kind: str, name: str | None) -> ComponentData:
    match_type = _DEFAULT if name is None else _EXACT
    return ComponentData(entity_type=kind, match_type=match_type, match=name)


async def _described(
    cluster: Cluster, components: Sequence[ComponentData], *, strict: bool = True
) -> dict[QuotaEntity, dict[str, float]]:
    async def ask() -> DescribeClientQuotasResponse:
        broker = await cluster.any_broker()
        answer = await broker.call(
            DescribeClientQuotasRequest(components=list(components), strict=strict),
            DescribeClientQuotasResponse,
        )
        if answer.error_code:
            raise RequestFailed("quotas", ErrorCode.of(answer.error_code), answer.error_message)
        return answer

    answer = await cluster.retrying(ask)
    return {
        _entity({each.entity_type: each.entity_name for each in entry.entity}): {
            each.key: each.value for each in sorted(entry.values, key=lambda value: value.key)
        }
        for entry in answer.entries or []
    }


def _entity(names: Mapping[str, str | None]) -> QuotaEntity:
    return QuotaEntity(tuple((kind, names[kind]) for kind in ENTITY_TYPES if kind in names))


async def alter_quotas(
    cluster: Cluster, entity: QuotaEntity, changes: Mapping[str, float | None]
) -> Outcome[QuotaEntity]:
    """Set an entity's quotas, or remove those that are None: all of them, or none."""
    request = AlterClientQuotasRequest(
        entries=[
            RequestEntryData(
                entity=[
                    RequestEntityData(entity_type=kind, entity_name=name)
                    for kind, name in entity.names
                ],
                ops=[
                    OpData(key=key, value=value or 0.0, remove=value is None)
                    for key, value in changes.items()
                ],
            )
        ]
    )

    async def alter() -> Outcome[QuotaEntity]:
        # In ZooKeeper mode any broker writes it, as of a topic's configs.
        broker = await cluster.any_broker()
        result = (await broker.call(request, AlterClientQuotasResponse)).entries[0]
        return outcome_of(entity, str(entity), result.error_code, result.error_message)

    return await cluster.retrying(alter, repeatable=False)
