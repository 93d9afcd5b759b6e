"""`zbroker-admin quota` on a cluster of either kind: what is set is shown, among all there is."""

import json
from typing import Any

import pytest

from tests.cli.commands.canned import check_schema
from tests.interop.test_admin import admin
from tests.support.cluster import TestCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

# Names of this test's own: the cluster is shared.
ENTITIES: list[tuple[list[str], list[dict[str, str]], str]] = [
    (["--user", "shown"], [{"type": "user", "name": "shown"}], "consumer_byte_rate"),
    (
        ["--user", "shown", "--client", "app"],
        [{"type": "user", "name": "shown"}, {"type": "client-id", "name": "app"}],
        "producer_byte_rate",
    ),
    (["--ip", "192.0.2.1"], [{"type": "ip", "name": "192.0.2.1"}], "connection_creation_rate"),
]


def shown(cluster: TestCluster, *entity: str) -> list[dict[str, Any]]:
    told = json.loads(admin(cluster, "quota", "describe", *entity, "-o", "json"))
    check_schema(["quota", "describe"], told)
    quotas: list[dict[str, Any]] = told["quotas"]
    return quotas


def test_what_is_set_is_shown(cluster: TestCluster) -> None:
    expected = [{"entity": names, "configs": {key: 7.0}} for _, names, key in ENTITIES]
    for options, _, key in ENTITIES:
        admin(cluster, "quota", "alter", *options, "--add-config", f"{key}=7")
    for (options, _, _), each in zip(ENTITIES, expected, strict=True):
        # Any broker may be asked, and hears of it from ZooKeeper.
        wait_until("it to be shown", lambda o=options, e=each: shown(cluster, *o) == [e])
    everything = shown(cluster)
    assert all(each in everything for each in expected)

    for options, _, key in ENTITIES:
        admin(cluster, "quota", "alter", *options, "--delete-config", key)
    wait_until("it to be gone", lambda: not any(each in shown(cluster) for each in expected))
