"""`zbroker-admin broker drain`, on both kinds of broker: who leads then, and the way back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.interop.test_admin import admin, ended
from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

EXECUTE = ("partition", "reassign", "execute", "--reassignment-json-file")


def partitions(cluster: TestCluster, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        admin(cluster, "topic", "describe", name, "-o", "json")
    )["topics"][0]["partitions"]
    return found


def is_so(cluster: TestCluster, name: str, leaders: list[int], replicas: list[list[int]]) -> bool:
    now = partitions(cluster, name)
    return [each["leader"] for each in now] == leaders and [
        each["replicas"] for each in now
    ] == replicas


def test_drained_and_back(cluster: TestCluster, name: str, tmp_path: Path) -> None:
    """Other tests' topics may have nobody else to lead them: then it is done in part."""
    admin(cluster, "topic", "create", name, "--replica-assignment", "1:2,2:1,2:3")
    wait_until_known(cluster.bootstrap, name)
    wait_until(
        "all in sync", lambda: all(len(each["isr"]) == 2 for each in partitions(cluster, name))
    )
    refused = ended(cluster, "broker", "drain", "1")
    assert (refused.returncode, refused.stdout) == (2, "")

    drained = ended(cluster, "broker", "drain", "1", "--yes", "-o", "json")
    assert drained.returncode in (0, 3), drained.stderr
    facts = json.loads(drained.stdout)
    mine = [each for each in facts["partitions"] if each["topic"] == name]
    assert [(each["leader"], each["replicas"], each["error"]) for each in mine] == [
        (2, [2, 1], None)
    ]
    changed = [[2, 1], [2, 1], [2, 3]]
    wait_until("the new leaders", lambda: is_so(cluster, name, [2, 2, 2], changed))

    before = tmp_path / "before.json"
    before.write_text(json.dumps(facts["before"]))
    admin(cluster, *EXECUTE, str(before))
    admin(
        *(cluster, "partition", "elect", "--election-type", "preferred"),
        *("--topic", name, "--partition", "0"),
    )
    wait_until("the old leaders", lambda: is_so(cluster, name, [1, 2, 2], [[1, 2], [2, 1], [2, 3]]))
