"""zookeeper.connect: servers, default port, chroot."""

import pytest

from broker.config.values import ConfigError
from broker.config.zookeeper_connect import ZooKeeperConnect, parse_zookeeper_connect


@pytest.mark.parametrize(
    ("text", "servers", "chroot"),
    [
        ("zk:2181", "zk:2181", ""),
        (" zk1 , zk2:2182 ", "zk1:2181,zk2:2182", ""),
        ("zk1:1,[::1]:2/kafka/east", "zk1:1,[::1]:2", "/kafka/east"),
        ("zk:2181/", "zk:2181", ""),
        ("zk:2181/kafka/", "zk:2181", "/kafka"),
    ],
)
def test_read(text: str, servers: str, chroot: str) -> None:
    parsed = parse_zookeeper_connect(text)
    assert parsed == ZooKeeperConnect(servers, chroot)
    assert str(parsed) == servers + chroot


@pytest.mark.parametrize(
    "text",
    [None, "", "  ", ":2181", "zk:x", "zk:0", "zk:65536", "a:1:2", "a,,b", "zk/a//b", "zk/../b"],
)
def test_refused(text: str | None) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_zookeeper_connect(text)
    assert refused.value.name == "zookeeper.connect"
