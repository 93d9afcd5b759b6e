"""What clients, users and addresses may use: kept up to date, and checked when it is changed.

`ClientQuotas.current` is what is set. It is read from ZooKeeper at the start, followed through
/config/changes, and read again whenever somebody asks to see all of it; each time `broker.quotas`,
which holds clients to it, is told.

An address may be given as the name of a host. It counts for the address that the name has when it
is set, or when the broker starts.

Source: Kafka's `QuotaConfigs`, `ZkAdminManager.alterClientQuotas`, `IpConfigHandler`; KIP-13,
KIP-546, KIP-612.
"""

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Final

import attrs
import trio

from broker.admin.live_configs import LiveConfigs
from broker.config.allowed import at_least
from broker.config.values import DOUBLE, INT, LONG, ConfigError, Property, to_text
from broker.quotas.quotas import Quotas
from broker.wire.errors import ErrorCode, KafkaError
from coordination.client_quotas import IP, QuotaEntity, entity_of, read_quotas
from coordination.configs import read_config
from coordination.store import Session
from coordination.values import Recorder
from coordination.znodes import BadZnode

_RATES: Final = {
    row.name: row
    for row in (
        Property("producer_byte_rate", LONG, None),
        Property("consumer_byte_rate", LONG, None),
        Property("request_percentage", DOUBLE, None),
        Property("controller_mutation_rate", DOUBLE, None),
    )
}
_RATES_OF_ADDRESSES: Final = {
    row.name: row for row in (Property("connection_creation_rate", INT, None, at_least(0)),)
}
# How far a whole number may be off when it comes as a float.
_EPSILON: Final = 1e-6


@attrs.define(eq=False)
class ClientQuotas:
    """`current` maps an entity to its limits; entities without any are left out."""

    configs: LiveConfigs
    recorder: Recorder
    enforced: Quotas
    current: Mapping[QuotaEntity, Mapping[str, float]] = attrs.field(factory=dict, init=False)
    # Of the entities that are addresses; None if there is none of the name.
    _addresses: dict[str, str | None] = attrs.field(factory=dict, init=False)

    async def read_all(self, session: Session) -> None:
        """Take over what ZooKeeper has."""
        found = await read_quotas(session, self.recorder)
        while unknown := [entity for entity in found if not self._was_looked_up(entity)]:
            for entity in unknown:
                await self._look_up(entity)
            found = await read_quotas(session, self.recorder)  # it may have changed meanwhile
        limits = {entity: self._limits(entity, config) for entity, config in found.items()}
        self._take_over({entity: each for entity, each in limits.items() if each})

    async def config_changed(self, config_path: str) -> None:
        """Take over one entity, such as `users/alice/clients/app`; other paths mean nothing."""
        entity = entity_of(config_path)
        if entity is None:
            return
        await self._look_up(entity)
        try:
            config = await read_config(await self.configs.session(), config_path)
        except BadZnode as error:
            self.recorder("config.ignored", entity=config_path, why=error.why)
            return
        others = {key: limits for key, limits in self.current.items() if key != entity}
        limits = self._limits(entity, config)
        self._take_over({**others, entity: limits} if limits else others)

    def _take_over(self, current: Mapping[QuotaEntity, Mapping[str, float]]) -> None:
        self.current = current
        self.enforced.changed(
            {
                counted: limits
                for entity, limits in current.items()
                if (counted := self._counted_as(entity)) is not None
            }
        )

    def _was_looked_up(self, entity: QuotaEntity) -> bool:
        return entity.name_of.get(IP) is None or entity.name_of[IP] in self._addresses

    async def _look_up(self, entity: QuotaEntity) -> None:
        """Find out which address it is, if it's one."""
        name = entity.name_of.get(IP)
        if name is not None:
            self._addresses[name] = await address_of(name)
            if self._addresses[name] is None:
                why = f"{name} has no address"
                self.recorder("config.ignored", entity=entity.config_path, why=why)

    def _counted_as(self, entity: QuotaEntity) -> QuotaEntity | None:
        """The entity as connections and requests name it; None if nothing can come from it."""
        name = entity.name_of.get(IP)
        if name is None:
            return entity
        address = self._addresses[name]
        return None if address is None else QuotaEntity.of({IP: address})

    def _limits(self, entity: QuotaEntity, config: Mapping[str, str]) -> dict[str, float]:
        limits: dict[str, float] = {}
        for name, row in keys_of(entity).items():
            if name in config:
                try:
                    value = row.parse(config[name])
                except ConfigError as error:
                    self.recorder("config.ignored", entity=entity.config_path, why=str(error))
                else:
                    assert isinstance(value, int | float)
                    limits[name] = float(value)
        return limits


async def address_of(name: str) -> str | None:
    """An address as sockets write it, or that of a host, of format 4 if it has several."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        found = await trio.socket.getaddrinfo(name, None)
    except (socket.gaierror, UnicodeError):
        return None
    _family, *_, (address, *_) = min(found, key=lambda row: row[0] != socket.AF_INET)
    return str(address)


def keys_of(entity: QuotaEntity) -> Mapping[str, Property]:
    """What an entity of its kind may be limited in."""
    return _RATES_OF_ADDRESSES if IP in entity.name_of else _RATES


def with_changed_quotas(
    entity: QuotaEntity, config: Mapping[str, str], changes: Iterable[tuple[str, float | None]]
) -> dict[str, str]:
    """The entity's config after the changes; None removes a limit. Raises `KafkaError`."""
    after = dict(config)
    for key, value in changes:
        if value is None:
            after.pop(key, None)
            continue
        row = keys_of(entity).get(key)
        if row is None:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Invalid configuration key {key}")
        after[key] = _as_text(row, value)
    return after


def _as_text(row: Property, value: float) -> str:
    if row.type is DOUBLE:
        return to_text(value)
    beyond = 2**63 if row.type is LONG else 2**31
    whole = int(value + _EPSILON) if abs(value) < beyond else beyond - 1
    if not abs(whole - value) <= _EPSILON:  # nor is NaN
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Configuration {row.name} must be a {row.type.name} value"
        )
    return str(whole)
