"""`--until`, `--watch` and contexts on a cluster that changes meanwhile."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop.test_admin import admin, ended
from tests.support.cluster import TestCluster
from tests.support.processes import running_program

pytestmark = pytest.mark.server


def test_waiting_for_a_topic(cluster: TestCluster, name: str) -> None:
    watch = [
        *(sys.executable, "-m", "cli.admin", "topic", "describe", "--topic", name, "-o", "json"),
        *("--watch=0.2", "--until", "topics.partitions.under_replicated == false"),
        *("--timeout", "60", "-b", cluster.bootstrap),
    ]
    with running_program(watch) as watching:
        admin(cluster, "topic", "create", name, "-p", "2", "-r", "3")
        assert watching.process.wait(60) == 0
        watching.read_to_the_end()
        last = json.loads(watching.rest()[-1])
    assert [len(each["isr"]) for each in last["topics"][0]["partitions"]] == [3, 3]


def test_what_does_not_come(cluster: TestCluster) -> None:
    result = ended(
        cluster, "cluster", "describe", "--until", "count(brokers) == 9", "--timeout", "1"
    )
    assert (result.returncode, result.stdout) == (5, "")
    assert result.stderr == (
        f"Error: not so within 1 s: count(brokers) == 9: it is {len(cluster.brokers)}\n"
    )


def test_a_cluster_by_its_name(cluster: TestCluster, tmp_path: Path) -> None:
    (tmp_path / "zbroker").mkdir()
    (tmp_path / "zbroker" / "contexts.toml").write_text(
        f'[here]\nbootstrap-server = "{cluster.bootstrap}"\n'
        f'zookeeper = "{cluster.zookeeper_connect}"\n'
    )
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}

    def named(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "cli.admin", *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    brokers = "\n".join(map(str, sorted(cluster.brokers))) + "\n"
    assert named("cluster", "brokers", "--context", "here", "-o", "name") == brokers
    named("context", "use", "here")
    assert named("cluster", "brokers", "-o", "name") == brokers
    assert int(named("controller", "show", "-o", "name")) in cluster.brokers
