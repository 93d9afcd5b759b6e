"""One kind takes over the other's files, and gives them back.

Broker 1 is Kafka, then zbroker, then Kafka again: with one and the same server.properties, in the
same log.dirs, in an ensemble that goes on. Each time it leads again what it led before, with what
the other one wrote: batches, epochs, and the state of the producers that go on writing.

    stopped   nothing is rebuilt: sealed segments and their indexes are not touched
    killed    kill -9: the other kind's recovery finds every batch
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.interop.faults.load import Load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import PROPERTIES, TIMEOUT_S, new_topic, put_controller_on
from tests.support.cluster import TestCluster, running_cluster
from tests.support.kafka import kafka_tool
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

SWAPPED, CONTROLLER = 1, 2

DUMP_LOG = "kafka.tools.DumpLogSegments"
# Many sealed segments, each with a few index entries.
SMALL_SEGMENTS = {"segment_ms": "500", "index_interval_bytes": "512"}
FILES_OF_A_SEGMENT = {".log", ".index", ".timeindex"}

# What either kind says when it finds files that are not as they should be.
COMPLAINTS = re.compile(
    r"orrupt|Found invalid|Could not find"
    r"|indexes do not fit|that are no batch|lies after the end|rebuilding it|has no log file"
)
DUMP_COMPLAINTS = re.compile(r"isvalid: false|Mismatch|mismatch|Found|Exception|isn't")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("swap")
    with running_cluster(["kafka", "kafka", "zbroker"], directory, properties=PROPERTIES) as each:
        yield each


@pytest.fixture
def topic(cluster: TestCluster, watch: ClusterWatch, name: str) -> str:
    """Three partitions, one of them led by the swapped broker whenever it can."""
    put_controller_on(cluster, watch, CONTROLLER)
    assignment = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    make_topics(cluster.bootstrap, new_topic(name, assignment, **SMALL_SEGMENTS))
    watch.wait_until_full_isr(name)
    return name


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_broker_is_swapped_and_swapped_back(
    cluster: TestCluster, watch: ClusterWatch, load: Load, end: str
) -> None:
    broker = cluster.brokers[SWAPPED]
    for kind in ("zbroker", "kafka"):
        wait_until(
            "sealed segments",
            lambda: len(sealed_files(cluster.log_dir(SWAPPED), load.topic)) > 10,
            TIMEOUT_S,
        )
        if end == "killed":
            broker.kill()
        else:
            broker.stop()
        before = sealed_files(cluster.log_dir(SWAPPED), load.topic)
        identity = meta_properties(cluster.log_dir(SWAPPED))
        cluster.turn_into(kind, SWAPPED)
        already_said = len(broker.log_file.read_text()) if broker.log_file.exists() else 0
        cluster.start(SWAPPED)
        broker.wait_ready()
        if end == "stopped":
            after = sealed_files(cluster.log_dir(SWAPPED), load.topic)
            assert {path: after.get(path) for path in before} == before, "files were rebuilt"
        assert meta_properties(cluster.log_dir(SWAPPED)) == identity
        cluster.wait_ready()
        watch.wait_until_full_isr(load.topic)
        lead_again(cluster, watch, load)
        said = broker.log_file.read_text()[already_said:].splitlines()
        assert not [line for line in said if load.topic in line and COMPLAINTS.search(line)]
    broker.stop()
    assert_dump_log_is_content(cluster.log_dir(SWAPPED), load.topic)
    cluster.start(SWAPPED)
    settle(cluster, watch, load)


def sealed_files(log_dir: Path, topic: str) -> dict[Path, tuple[int, int, int]]:
    """The files that nobody has a reason to touch any more: inode, size and time of each."""
    found = {}
    for directory in log_dir.glob(f"{topic}-*"):
        *sealed, _active = sorted(file.stem for file in directory.glob("*.log"))
        for file in directory.iterdir():
            if file.stem in sealed and file.suffix in FILES_OF_A_SEGMENT:
                status = file.stat()
                found[file] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def meta_properties(log_dir: Path) -> set[str]:
    lines = (log_dir / "meta.properties").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


def lead_again(cluster: TestCluster, watch: ClusterWatch, load: Load) -> None:
    """The swapped broker leads its partition, and has it written to."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    # Not until it is answered: a real Kafka has once elected at once, and not said so for a minute.
    admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(load.topic, 0)])
    wait_until(
        f"broker {SWAPPED} to lead", lambda: watch.leaders(load.topic)[0] == SWAPPED, TIMEOUT_S
    )
    load.wait_for_more()


def assert_dump_log_is_content(log_dir: Path, topic: str) -> None:
    files = [
        str(file)
        for directory in sorted(log_dir.glob(f"{topic}-*"))
        for file in sorted(directory.iterdir())
        if file.suffix in FILES_OF_A_SEGMENT
    ]
    said = kafka_tool(DUMP_LOG, "--files", ",".join(files)).stdout
    assert "isvalid: true" in said
    assert not DUMP_COMPLAINTS.search(said), DUMP_COMPLAINTS.findall(said)
