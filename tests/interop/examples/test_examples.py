"""What each example prints for its sample, and that Ctrl-C ends it."""

import shutil
import subprocess
import xml.etree.ElementTree
from collections.abc import Sequence

import pytest

from cli.java.artifacts import read_lock
from tests.interop.examples.conftest import EXAMPLES, Example
from tests.support.cluster import TestCluster
from tests.support.processes import RunningProgram
from tests.support.tools import require_tool

server = pytest.mark.server
STREAMS = EXAMPLES / "kafka-streams"


def wait_for_all(program: RunningProgram, expected: Sequence[str]) -> None:
    """All of these lines, in whatever order, and among others."""
    missing = set(expected)
    while missing:
        missing.discard(program.wait_for_line("\t"))


@server
def test_word_count(example: Example) -> None:
    with example("word-count") as program:
        wait_for_all(
            program,
            ["all\t1", "streams\t2", "lead\t1", "to\t1", "kafka\t3", "hello\t1", "join\t1",
             "summit\t1"],
        )  # fmt: skip
        program.interrupt()
    with example("word-count") as program:
        wait_for_all(program, ["kafka\t6", "streams\t4", "summit\t2"])  # it goes on counting


@server
def test_windowed_join(example: Example) -> None:
    """Order 18 is paid 38 s late."""
    with example("windowed-join") as program:
        wait_for_all(program, ["17\ta teapot, paid by card", "19\ta kettle, paid in cash"])
        program.interrupt()
        assert not any("cheque" in line for line in program.rest())


@server
def test_thermometers(example: Example) -> None:
    """The window of the last readings, from the 20th second on, is still open."""
    subprocess.run(["make", "-C", str(EXAMPLES), "thermometers-installed"], check=True, timeout=240)
    with example("thermometers") as program:
        wait_for_all(program, ["kitchen\t22.0", "kitchen\t25.0", "cellar\t11.5", "cellar\t12.5"])
        program.interrupt()


@server
def test_kafkajs(example: Example, cluster: TestCluster) -> None:
    for tool in ("node", "npm"):
        require_tool(tool, f"apt-get install {tool}")
    with example("kafkajs") as program:
        program.wait_for_line("Hello Kafka World!")
        program.interrupt()


def test_the_pom_names_what_is_locked() -> None:
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = xml.etree.ElementTree.parse(STREAMS / "pom.xml")
    named = {
        ":".join(each.findtext(f"m:{part}", "", namespace) for part in parts)
        for each in pom.findall(".//m:dependency", namespace)
        for parts in [("groupId", "artifactId", "version")]
    }
    assert named
    assert named <= {str(each) for each in read_lock(STREAMS / "java.lock")}


@server
@pytest.mark.matrix  # Maven fetches its plugins at the first run
def test_maven_compiles_it(tmp_path: object) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("missing mvn: apt-get install maven")
    project = shutil.copytree(STREAMS, f"{tmp_path}/project")
    result = subprocess.run(
        [maven, "-q", "-B", "compile"], cwd=project, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
