"""meta.properties: written as Kafka writes it, checked before anything is served."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from broker import events
from broker.log.disk import RealDisk
from broker.meta_properties import (
    InconsistentBrokerIdError,
    InconsistentClusterIdError,
    MetaProperties,
    MetaPropertiesError,
    UnreadableMetaProperties,
    load_meta_properties,
    stored_broker_id,
    verify,
    write_meta_properties,
)
from tests.support.broker_process import running_broker

CLUSTER = "gY1VH7DITTywQTqfhz4oEg"
NOW = datetime(2026, 11, 22, 10, 45, 37, tzinfo=UTC)
# What a real 3.9.1 wrote in ZooKeeper mode.
KAFKAS_FILE = (
    b"#\n#Sun Nov 22 10:45:37 UTC 2026\nbroker.id=1\ncluster.id=gY1VH7DITTywQTqfhz4oEg\nversion=0\n"
)


@pytest.fixture
def log_dirs(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    return tmp_path / "a", tmp_path / "b"


def put(directory: Path, content: bytes) -> None:
    (directory / "meta.properties").write_bytes(content)


def load(*log_dirs: Path) -> dict[Path, MetaProperties | None]:
    return {path: load_meta_properties(path) for path in log_dirs}


def write(loaded: dict[Path, MetaProperties | None]) -> None:
    for path, stored in loaded.items():
        write_meta_properties(RealDisk(), path, stored, 1, CLUSTER, NOW)


def test_a_new_directory_gets_kafkas_file(log_dirs: tuple[Path, Path]) -> None:
    loaded = load(*log_dirs)
    assert loaded == dict.fromkeys(log_dirs)
    verify(loaded, 1, CLUSTER)
    write(loaded)
    for directory in log_dirs:
        assert (directory / "meta.properties").read_bytes() == KAFKAS_FILE
        assert [file.name for file in directory.iterdir()] == ["meta.properties"]


def test_a_directory_of_ours_is_left_as_it_is_and_a_new_one_beside_it_adopted(
    log_dirs: tuple[Path, Path],
) -> None:
    put(log_dirs[0], KAFKAS_FILE)
    loaded = load(*log_dirs)
    assert loaded[log_dirs[0]] == MetaProperties(1, CLUSTER)
    verify(loaded, 1, CLUSTER)
    write(loaded)
    assert (log_dirs[0] / "meta.properties").read_bytes() == KAFKAS_FILE
    assert load(*log_dirs)[log_dirs[1]] == MetaProperties(1, CLUSTER)


def test_what_others_wrote_into_it_is_kept(log_dirs: tuple[Path, Path]) -> None:
    put(log_dirs[0], b"directory.id=abc\nbroker.id=1\n")  # as a broker before 0.10.1: no cluster
    loaded = load(log_dirs[0])
    verify(loaded, 1, CLUSTER)
    write(loaded)
    assert load(log_dirs[0])[log_dirs[0]] == MetaProperties(1, CLUSTER, {"directory.id": "abc"})


def test_another_brokers_directory(log_dirs: tuple[Path, Path]) -> None:
    put(log_dirs[1], KAFKAS_FILE)
    with pytest.raises(
        InconsistentBrokerIdError,
        match=r"Configured broker\.id 7 doesn't match stored broker\.id 1 in .*/b/meta\.properties",
    ):
        verify(load(*log_dirs), 7, CLUSTER)


def test_another_clusters_directory(log_dirs: tuple[Path, Path]) -> None:
    put(log_dirs[0], KAFKAS_FILE)
    with pytest.raises(
        InconsistentClusterIdError,
        match=r"The Cluster ID AAAA doesn't match stored clusterId gY1VH7DITTywQTqfhz4oEg in "
        r".*/a/meta\.properties",
    ) as refused:
        verify(load(*log_dirs), 1, "AAAA")
    assert "\n" not in str(refused.value)


def test_a_generated_id_is_found_again_and_must_be_the_same_everywhere(
    log_dirs: tuple[Path, Path],
) -> None:
    assert stored_broker_id(load(*log_dirs)) is None
    put(log_dirs[0], KAFKAS_FILE.replace(b"=1\n", b"=1001\n"))
    assert stored_broker_id(load(*log_dirs)) == 1001
    put(log_dirs[1], KAFKAS_FILE)
    loaded = load(*log_dirs)
    with pytest.raises(InconsistentBrokerIdError, match="several brokers"):
        verify(loaded, None, CLUSTER)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"broker.id=x\n", r"Unable to read broker\.id as a base-10 number"),
        (b"cluster.id=\\u12\n", "Malformed"),
    ],
)
def test_files_that_nobody_can_read(
    log_dirs: tuple[Path, Path], content: bytes, problem: str
) -> None:
    put(log_dirs[0], content)
    with pytest.raises(UnreadableMetaProperties, match=problem):
        load(*log_dirs)


def test_a_directory_of_kraft(log_dirs: tuple[Path, Path]) -> None:
    put(log_dirs[0], b"version=1\nnode.id=1\ncluster.id=x\n")
    with pytest.raises(MetaPropertiesError, match="only support version 0"):
        load(*log_dirs)


def test_a_crash_while_writing_leaves_no_half_file(log_dirs: tuple[Path, Path]) -> None:
    (log_dirs[0] / "meta.properties.tmp").write_bytes(b"broker.i")  # what a crash left
    loaded = load(*log_dirs)
    write(loaded)
    assert (log_dirs[0] / "meta.properties").read_bytes() == KAFKAS_FILE
    assert not (log_dirs[0] / "meta.properties.tmp").exists()


@pytest.mark.server
def test_a_real_kafka_takes_over_our_directory_and_we_take_over_its(
    zookeeper: str, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for directory in (ours, theirs):
        directory.mkdir()
    write({ours: None})
    # The trace lies there too; Kafka looks at directories only.
    (ours / events.FILE_NAME).write_text("{}\n")
    client = KazooClient(zookeeper)
    client.start()
    client.create("/cluster/id", f'{{"version":"1","id":"{CLUSTER}"}}'.encode(), makepath=True)
    client.stop()
    client.close()

    with running_broker(
        "kafka", 1, zookeeper, tmp_path, properties={"log.dirs": f"{ours},{theirs}"}
    ):
        loaded = load(ours, theirs)
    assert loaded == dict.fromkeys([ours, theirs], MetaProperties(1, CLUSTER))
    assert (ours / "meta.properties").read_bytes() == KAFKAS_FILE
    verify(loaded, 1, CLUSTER)
