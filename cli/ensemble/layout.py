"""The ensemble's directory: where everything lies, and the configuration generated into it.

    DIR/
      up.lock, up.json            held and written by a running `up` (see `claim`)
      logs/{zookeeper,broker-1,...,up}.log
      zookeeper/zoo.cfg           written once
      zookeeper/data/
      broker-1/server.properties  written once
      broker-1/data/              log.dirs
      broker-2/...

A configuration file that exists is the user's: it is read, never rewritten. What it says (ports,
how many brokers there are) is what a later `up` without options takes; an option that contradicts
it is refused, because the cluster that would come up is neither the one nor the other.
"""

import re
from pathlib import Path

import attrs

from broker.config.java_properties import PropertiesSyntaxError, parse_properties
from cli.java import zookeeper

DEFAULT_BROKERS = 3
DEFAULT_PORT = 9092
LARGEST_PORT = 65535
DEFAULT_ZOOKEEPER_PORT = 2181

# Replicas of a partition, bounded by the number of brokers: any one broker may fail.
REPLICAS = 3

SERVER_PROPERTIES = """\
# Broker {broker_id}'s configuration, written once by `zbroker-admin up`; yours to edit.
# The names are Kafka's: a real Kafka 3.9 broker starts from this file too.

# Unique in the cluster.
broker.id={broker_id}

# Where clients and the other brokers connect.
listeners=PLAINTEXT://127.0.0.1:{port}

# The partitions' files. (Several directories, with commas, stand for several disks.)
log.dirs={data_dir}

# Where the cluster's truth lives. An ensemble of several and a chroot: host:port,host:port/path
zookeeper.connect=127.0.0.1:{zookeeper_port}
# How long a broker may be silent until the others take it for dead. Kafka's default of 18000 suits
# networks and long garbage collections; on one machine you see a failover sooner.
zookeeper.session.timeout.ms=6000

# Partitions and replicas of a topic that is created without saying how many. (Kafka's default for
# the replicas is 1: every topic of it has a broker that must not die.)
num.partitions=1
default.replication.factor={replicas}

# The internal topics: consumers' offsets, and transactions.
offsets.topic.replication.factor={replicas}
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr=1

# A broker that stops tries three times to hand its leaderships over, this long apart. When all of
# them stop at once the last ones find nobody; Kafka's default of 5000 would make Ctrl-C slow.
controlled.shutdown.retry.backoff.ms=500

# How long a new consumer group waits for more members before its first assignment. Kafka's default
# of 3000 saves rebalances in production; here, nobody wants to wait.
group.initial.rebalance.delay.ms=0
"""


class SetupError(Exception):
    """The ensemble cannot be set up as asked. The text is one line: why, and what helps."""


@attrs.frozen
class Directory:
    """The paths inside an ensemble's directory. `root` is absolute."""

    root: Path

    @property
    def lock_file(self) -> Path:
        return self.root / "up.lock"

    @property
    def state_file(self) -> Path:
        return self.root / "up.json"

    @property
    def zoo_cfg(self) -> Path:
        return self.root / "zookeeper" / "zoo.cfg"

    def log_file(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def server_properties(self, broker_id: int) -> Path:
        return self.root / f"broker-{broker_id}" / "server.properties"

    def broker_count(self) -> int:
        """How many brokers were set up: 1, 2, ... without a gap."""
        count = 0
        while self.server_properties(count + 1).exists():
            count += 1
        return count


@attrs.frozen
class Ensemble:
    """What one `up` runs: ZooKeeper at a port, and brokers 1..N, each at one."""

    directory: Directory
    zookeeper_port: int
    broker_ports: dict[int, int]  # by broker id

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self.broker_ports.values())


def set_up(
    directory: Directory,
    *,
    brokers: int | None = None,
    port: int | None = None,
    zookeeper_port: int | None = None,
) -> Ensemble:
    """Write the configuration files that are missing, and tell what the files say together.

    None means: as it was set up, or the default. Raises SetupError where an option and a file
    contradict each other, or a directory cannot be written.
    """
    count = brokers or directory.broker_count() or DEFAULT_BROKERS
    try:
        _create_directories(directory, count)
        _write_missing_files(
            directory, count, port or DEFAULT_PORT, zookeeper_port or DEFAULT_ZOOKEEPER_PORT
        )
    except OSError as error:
        raise SetupError(f"cannot set up {directory.root}: {error.strerror}") from None
    ensemble = read_set_up(directory, count)
    _refuse_contradiction(directory.server_properties(1), ensemble.broker_ports[1], port, "--port")
    _refuse_contradiction(
        directory.zoo_cfg, ensemble.zookeeper_port, zookeeper_port, "--zookeeper-port"
    )
    return ensemble


def read_set_up(directory: Directory, brokers: int) -> Ensemble:
    """What the first `brokers` brokers' configuration files say. Raises SetupError."""
    return Ensemble(
        directory,
        _port_in(directory.zoo_cfg, "clientPort"),
        {
            broker_id: _port_in(directory.server_properties(broker_id), "listeners")
            for broker_id in range(1, brokers + 1)
        },
    )


def _create_directories(directory: Directory, brokers: int) -> None:
    for file in (
        directory.log_file("up"),
        directory.zoo_cfg,
        *(directory.server_properties(broker_id) for broker_id in range(1, brokers + 1)),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)


def _write_missing_files(
    directory: Directory, brokers: int, port: int, zookeeper_port: int
) -> None:
    """A broker that is added later continues the row that the first one's port began."""
    if not directory.zoo_cfg.exists():
        data_dir = directory.zoo_cfg.with_name("data")
        zookeeper.write_configuration(directory.zoo_cfg, data_dir=data_dir, port=zookeeper_port)
    for broker_id in range(1, brokers + 1):
        file = directory.server_properties(broker_id)
        if file.exists():
            continue
        first_port = (
            port if broker_id == 1 else _port_in(directory.server_properties(1), "listeners")
        )
        own_port = first_port + broker_id - 1
        if own_port > LARGEST_PORT:
            raise SetupError(
                f"broker {broker_id} would listen at {own_port}, and ports end at {LARGEST_PORT}: "
                "use a smaller --port, or fewer --brokers"
            )
        text = SERVER_PROPERTIES.format(
            broker_id=broker_id,
            port=own_port,
            data_dir=file.with_name("data"),
            zookeeper_port=_port_in(directory.zoo_cfg, "clientPort"),
            replicas=min(REPLICAS, brokers),
        )
        file.write_text(text)


def _port_in(file: Path, key: str) -> int:
    """The (first) port of a property: `clientPort=2181`, `listeners=PLAINTEXT://host:9092,...`."""
    try:
        value = parse_properties(file.read_bytes()).get(key, "")
    except OSError as error:
        raise SetupError(f"cannot read {file}: {error.strerror}") from None
    except PropertiesSyntaxError as error:
        raise SetupError(f"{file}: {error}") from None
    found = re.match(r"(?:[^,]*:)?(\d+)", value.strip())
    if found is None:
        raise SetupError(f"{file}: {key}={value} names no port")
    return int(found[1])


def _refuse_contradiction(file: Path, written: int, asked: int | None, option: str) -> None:
    if asked not in (None, written):
        raise SetupError(
            f"{option} {asked}, but {file} says {written}: edit it, or use another --dir"
        )
