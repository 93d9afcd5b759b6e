"""kcat, and with it librdkafka as Debian has it (2.0, of 2023)."""

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.support.cluster import TestCluster
from tests.support.processes import running_program
from tests.support.tools import require_tool
from tests.support.topics import wait_until_known

pytestmark = pytest.mark.server

Kcat = Callable[..., str]


@pytest.fixture
def kcat_path() -> str:
    return require_tool("kcat", "apt-get install kcat")


@pytest.fixture
def kcat(cluster: TestCluster, kcat_path: str, name: str) -> Kcat:
    """Run kcat to its end; its stdout."""

    def run(*arguments: str, stdin: str = "") -> str:
        result = subprocess.run(
            [kcat_path, "-b", cluster.bootstrap, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        if arguments[0] == "-P":  # it made the topic by asking for it
            wait_until_known(cluster.bootstrap, name)
        return result.stdout

    return run


def test_metadata(cluster: TestCluster, kcat: Kcat, name: str) -> None:
    kcat("-P", "-t", name, stdin="one\n")
    metadata = json.loads(kcat("-L", "-J"))
    assert {broker["id"] for broker in metadata["brokers"]} == cluster.brokers.keys()
    assert {broker["name"] for broker in metadata["brokers"]} == set(cluster.bootstrap.split(","))
    topic = next(each for each in metadata["topics"] if each["topic"] == name)
    (partition,) = topic["partitions"]
    assert partition["leader"] in cluster.brokers
    assert partition["replicas"] == partition["isrs"] == [{"id": partition["leader"]}]


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_produce_and_consume(kcat: Kcat, name: str, codec: str) -> None:
    """Keys, values, headers, null values; each compression."""
    lines = [f"k{number}:value {number} {'x' * 100}" for number in range(500)]
    kcat("-P", "-t", name, "-z", codec, "-K:", "-H", "origin=kcat", stdin="\n".join(lines) + "\n")
    kcat("-P", "-t", name, "-K:", "-Z", stdin="tombstone:\n")

    got = kcat("-C", "-t", name, "-e", "-q", "-f", "%o|%k|%S|%h\n").splitlines()
    assert [line.split("|")[0] for line in got] == [str(offset) for offset in range(501)]
    assert got[0] == f"0|k0|{len(lines[0]) - 3}|origin=kcat"
    assert got[-1] == "500|tombstone|-1|"


def test_consuming_from_offsets_and_times(kcat: Kcat, name: str) -> None:
    kcat("-P", "-t", name, stdin="".join(f"{number}\n" for number in range(10)))
    assert kcat("-C", "-t", name, "-o", "7", "-e", "-q").split() == ["7", "8", "9"]
    assert kcat("-C", "-t", name, "-o", "-2", "-e", "-q").split() == ["8", "9"]
    assert kcat("-C", "-t", name, "-o", "beginning", "-c", "1", "-q").split() == ["0"]
    # -Q asks ListOffsets: -1 is the end, -2 the start, anything else a time.
    assert kcat("-Q", "-t", f"{name}:0:-1").split() == [name, "[0]", "offset", "10"]
    assert kcat("-Q", "-t", f"{name}:0:-2").split() == [name, "[0]", "offset", "0"]
    assert kcat("-Q", "-t", f"{name}:0:1").split() == [name, "[0]", "offset", "0"]


def test_acks_and_idempotence(kcat: Kcat, name: str) -> None:
    for settings in (["-X", "acks=0"], ["-X", "acks=1"], ["-X", "enable.idempotence=true"]):
        kcat("-P", "-t", name, *settings, stdin="x\n")
    assert kcat("-C", "-t", name, "-e", "-q").split() == ["x", "x", "x"]


def test_a_group_goes_on_where_it_was(
    cluster: TestCluster, kcat: Kcat, kcat_path: str, name: str
) -> None:
    group = [kcat_path, "-b", cluster.bootstrap, "-u", "-X", "auto.offset.reset=earliest"]
    kcat("-P", "-t", name, stdin="before\n")
    with running_program([*group, "-G", name, name]) as consumer:
        consumer.wait_for_line("before")
        assert consumer.interrupt() == 0
    kcat("-P", "-t", name, stdin="after\n")
    with running_program([*group, "-G", name, name]) as consumer:
        consumer.wait_for_line("rebalanced")
        assert consumer.wait_for_line("") == "after"
        assert consumer.interrupt() == 0
