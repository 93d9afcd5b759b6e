"""`zookeeper.connect`: the servers of the ensemble and, after them, the chroot.

    zk1:2181,zk2:2181,[::1]:2183/kafka/east
    servers ────────────────────chroot─────

Under a chroot every path of Kafka begins, so that several clusters share one ensemble.
Source: ZooKeeper's `ConnectStringParser`; the port's default is 2181.
"""

import re
from typing import Final

import attrs

from broker.config.values import ConfigError

KEY: Final = "zookeeper.connect"
DEFAULT_PORT: Final = 2181
_FORM: Final = "host:port,host:port/chroot"
_SERVER: Final = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:\s]+)(?::([0-9]+))?")


@attrs.frozen
class ZooKeeperConnect:
    """servers: `host:port,host:port`, as ZooKeeper clients take it; chroot: "" or "/a/path"."""

    servers: str
    chroot: str

    def __str__(self) -> str:
        return self.servers + self.chroot


def parse_zookeeper_connect(text: str | None) -> ZooKeeperConnect:
    """Raises ConfigError for a missing value, a server without a host, a port that is none."""
    if text is None or not text.strip():
        raise ConfigError(
            KEY,
            text or "",
            "Missing required configuration `zookeeper.connect` which has no default value.",
            _FORM,
        )
    servers, slash, path = text.strip().partition("/")
    chroot = slash + path.rstrip("/") if path.rstrip("/") else ""
    if any(part in ("", ".", "..") for part in chroot.split("/")[1:]):
        raise ConfigError(KEY, text, f"{chroot} is not a path of ZooKeeper", _FORM)
    parsed = []
    for server in (part.strip() for part in servers.split(",")):
        match = _SERVER.fullmatch(server)
        port = int(match[2] or DEFAULT_PORT) if match else 0
        if match is None or not 1 <= port <= 65535:
            raise ConfigError(KEY, text, f"`{server}` is not host:port", _FORM)
        parsed.append(f"{match[1]}:{port}")
    return ZooKeeperConnect(",".join(parsed), chroot)
