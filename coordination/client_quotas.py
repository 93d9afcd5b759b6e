"""Quotas of clients, users and addresses, as ZooKeeper has them.

    entity                          where                          what it may be given
    user alice                      /config/users/alice            rates of bytes and requests
    user alice, client-id app       /config/users/alice/clients/app
    client-id app                   /config/clients/app
    ip 10.0.0.1                     /config/ips/10.0.0.1           rate of new connections

A name may be the default, `<default>`: what holds for all that have no quota of their own. Names
are URL-encoded, so that any principal fits into a path. A user's znode may hold credentials, too;
they are no quotas.

Source: kafka.server.ZkAdminManager, kafka.zk.AdminZkClient, Sanitizer; KIP-546.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_plus

import attrs

from coordination.store import NoNode, Session
from coordination.values import Recorder
from coordination.znodes import BadZnode, decode_config, paths

USER: Final = "user"
CLIENT_ID: Final = "client-id"
IP: Final = "ip"
DEFAULT_NAME: Final = "<default>"


@attrs.frozen
class QuotaEntity:
    """Whom a quota is for: a name for each type that counts; None is the default."""

    names: tuple[tuple[str, str | None], ...]

    @classmethod
    def of(cls, names: Mapping[str, str | None]) -> "QuotaEntity":
        return cls(tuple(sorted(names.items())))

    @property
    def name_of(self) -> dict[str, str | None]:
        return dict(self.names)

    @property
    def config_path(self) -> str:
        """`users/alice/clients/app`. The types must be a combination of the module's table."""
        names = {kind: sanitize(name) for kind, name in self.names}
        if IP in names:
            return f"ips/{names[IP]}"
        if USER not in names:
            return f"clients/{names[CLIENT_ID]}"
        of_client = f"/clients/{names[CLIENT_ID]}" if CLIENT_ID in names else ""
        return f"users/{names[USER]}{of_client}"


def entity_of(config_path: str) -> QuotaEntity | None:
    """Whose quotas /config/`config_path` holds; None if it is no place of quotas."""
    match config_path.split("/"):
        case ["users", user]:
            return QuotaEntity.of({USER: desanitize(user)})
        case ["users", user, "clients", client]:
            return QuotaEntity.of({USER: desanitize(user), CLIENT_ID: desanitize(client)})
        case ["clients", client]:
            return QuotaEntity.of({CLIENT_ID: desanitize(client)})
        case ["ips", ip]:
            return QuotaEntity.of({IP: desanitize(ip)})
    return None


def sanitize(name: str | None) -> str:
    """As a path has it: `User:a b` is `User%3Aa%20b`."""
    return DEFAULT_NAME if name is None else quote(name, safe="").replace("~", "%7E")


def desanitize(name: str) -> str | None:
    return None if name == DEFAULT_NAME else unquote_plus(name)


async def read_quotas(session: Session, recorder: Recorder) -> dict[QuotaEntity, dict[str, str]]:
    """Every entity's config, credentials and all. What cannot be read is named and left out."""
    found = []
    for root in ("users", "clients", "ips"):
        found += [f"{root}/{name}" for name in await _children(session, root)]
    for user in [path for path in found if path.startswith("users/")]:
        clients = f"{user}/clients"
        found += [f"{clients}/{name}" for name in await _children(session, clients)]
    nodes = await session.get_many([paths.config(path) for path in found])
    configs = {}
    for path, node in zip(found, nodes, strict=True):
        entity = entity_of(path)
        if node is None or entity is None:
            continue
        try:
            configs[entity] = decode_config(path, node)
        except BadZnode as error:
            recorder("config.ignored", entity=path, why=error.why)
    return configs


async def _children(session: Session, config_path: str) -> list[str]:
    try:
        return sorted(await session.children(paths.config(config_path)))
    except NoNode:
        return []
