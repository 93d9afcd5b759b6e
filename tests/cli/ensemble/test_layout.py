"""Configuration is generated once, kept, and believed."""

from pathlib import Path

import pytest

from broker.config.java_properties import parse_properties
from cli.ensemble.layout import Directory, SetupError, set_up


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "ensemble")


def properties(directory: Directory, broker_id: int) -> dict[str, str]:
    return parse_properties(directory.server_properties(broker_id).read_bytes())


def test_defaults_are_kafka_s_ports_and_three_brokers(directory: Directory) -> None:
    ensemble = set_up(directory)
    assert ensemble.zookeeper_port == 2181
    assert ensemble.broker_ports == {1: 9092, 2: 9093, 3: 9094}
    assert ensemble.bootstrap == "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094"


def test_each_broker_has_a_file_of_its_own(directory: Directory) -> None:
    set_up(directory, brokers=2, port=7000, zookeeper_port=7100)
    second = properties(directory, 2)
    assert second["broker.id"] == "2"
    assert second["listeners"] == "PLAINTEXT://127.0.0.1:7001"
    assert second["zookeeper.connect"] == "127.0.0.1:7100"
    assert second["log.dirs"] == str(directory.root / "broker-2" / "data")
    zoo_cfg = parse_properties(directory.zoo_cfg.read_bytes())
    assert zoo_cfg["clientPort"] == "7100"
    assert zoo_cfg["dataDir"] == str(directory.root / "zookeeper" / "data")


def test_a_restart_without_options_takes_what_the_files_say(directory: Directory) -> None:
    first = set_up(directory, brokers=2, port=7000, zookeeper_port=7100)
    assert set_up(directory) == first


def test_edited_files_are_kept_and_believed(directory: Directory) -> None:
    set_up(directory, brokers=2)
    file = directory.server_properties(2)
    edited = "broker.id=2\nlisteners = INTERNAL://[::1]:7777,PLAINTEXT://127.0.0.1:9093\n"
    file.write_text(edited)
    assert set_up(directory).broker_ports == {1: 9092, 2: 7777}
    assert file.read_text() == edited


def test_more_brokers_continue_the_row_of_ports(directory: Directory) -> None:
    set_up(directory, brokers=1, port=7000)
    assert set_up(directory, brokers=3).broker_ports == {1: 7000, 2: 7001, 3: 7002}


def test_fewer_brokers_leave_the_others_files_alone(directory: Directory) -> None:
    set_up(directory, brokers=3)
    assert set_up(directory, brokers=1).broker_ports == {1: 9092}
    assert directory.broker_count() == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 7000}, r"--port 7000, but .*broker-1/server.properties says 9092"),
        ({"zookeeper_port": 7100}, r"--zookeeper-port 7100, but .*zoo.cfg says 2181"),
    ],
)
def test_an_option_that_contradicts_a_file_is_refused(
    directory: Directory, options: dict[str, int], message: str
) -> None:
    set_up(directory)
    with pytest.raises(SetupError, match=message):
        set_up(directory, **options)


def test_a_file_without_a_port_is_named(directory: Directory) -> None:
    set_up(directory)
    directory.server_properties(2).write_text("listeners=PLAINTEXT://\n")
    with pytest.raises(SetupError, match=r"broker-2/server.properties: listeners=.* names no port"):
        set_up(directory)


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot set up .*: Not a directory"):
        set_up(Directory(tmp_path / "file" / "ensemble"))


def test_ports_that_do_not_exist_are_refused_before_a_file_says_them(directory: Directory) -> None:
    with pytest.raises(SetupError, match="broker 7 would listen at 65536, and ports end at 65535"):
        set_up(directory, brokers=10, port=65530)
    assert not directory.server_properties(7).exists()
