"""The README's programs run as pasted, but for the address."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cluster import TestCluster
from tests.support.processes import running_program
from tests.support.tools import require_tool

pytestmark = pytest.mark.server

README = Path(__file__).parents[2] / "README.md"


def program(language: str, number: int, cluster: TestCluster) -> str:
    """The README's code block number so-and-so of this language, for the cluster under test."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.M | re.S)
    code: str = blocks[number]
    assert "127.0.0.1:9092" in code
    return code.replace("127.0.0.1:9092", cluster.address(1))


def test_python(cluster: TestCluster) -> None:
    result = subprocess.run(
        [sys.executable, "-c", program("python", 0, cluster)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout == "Hello Kafka World!\n"


def test_javascript(cluster: TestCluster, kafkajs: Path, tmp_path: Path) -> None:
    node = require_tool("node", "apt-get install nodejs")
    (tmp_path / "node_modules").symlink_to(kafkajs / "node_modules")
    for number, name in enumerate(("producer.js", "consumer.js")):
        (tmp_path / name).write_text(program("js", number, cluster))
    subprocess.run([node, "producer.js"], cwd=tmp_path, check=True, timeout=60)
    with running_program([node, "consumer.js"], directory=tmp_path) as consumer:
        consumer.wait_for_line("Hello Kafka World!")


def test_the_shell_commands_exist(cluster: TestCluster) -> None:
    """Those that need a cluster alone are run; the others' options are known to the command."""
    (block,) = re.findall(r"^```sh\n(zbroker-admin.*?)^```$", README.read_text(), re.M | re.S)
    where = {**os.environ, "ZBROKER_BOOTSTRAP": cluster.bootstrap}
    for line in block.splitlines():
        _, *arguments = line.partition("#")[0].split()
        if arguments[0] not in ("topic", "group"):
            arguments.append("--help")
        result = subprocess.run(
            [sys.executable, "-m", "cli.admin", *arguments],
            env=where,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        # The group exists once test_javascript has run.
        assert result.returncode == 0 or "no group 'test-group'" in result.stderr, result.stderr
    subprocess.run(
        [sys.executable, "-m", "cli.admin", "topic", "delete", "orders"], env=where, check=True
    )
