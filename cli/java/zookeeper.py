"""A standalone ZooKeeper: its class path, its configuration, its command, and asking how it is.

The version and jars are those of `zookeeper.lock`: ZooKeeper 3.9 with what a standalone server
loads. Netty, Mockito and command line parsing, which its POM asks for too, are left out: the
default NIO connection factory needs none of them.

Users with a ZooKeeper of their own say so with `ZOOKEEPER_HOME` (an unpacked binary distribution,
`$ZOOKEEPER_HOME/lib/zookeeper-*.jar`): its jars are used then, with our configuration.
"""

import os
import socket
from pathlib import Path

from cli.java.artifacts import ArtifactError, Progress, class_path
from cli.java.runtime import java_command

LOCK_FILE = Path(__file__).with_name("zookeeper.lock")
MAIN_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
HEAP_MB = 256

CONFIGURATION = """\
# ZooKeeper's configuration, written once by `zbroker-admin up`; yours to edit.
# Session timeouts are negotiated between 2 and 20 ticks: from 1 s to 60 s here, so that a short
# zookeeper.session.timeout.ms (quick failover) and Kafka's default of 18 s are both granted.
tickTime=500
maxSessionTimeout=60000
dataDir={data_dir}
clientPort={port}
clientPortAddress=127.0.0.1
# Tools and tests open many connections from the one address there is.
maxClientCnxns=0
# No admin web server: it would need Jetty and take port 8080.
admin.enableServer=false
# `srvr` tells when the server is ready; the others are for looking around (see `zbroker-admin zk`).
4lw.commands.whitelist=*
# Keep the newest snapshots, look every hour: by default ZooKeeper never deletes its old logs.
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
"""


def zookeeper_class_path(progress: Progress | None = None) -> list[Path]:
    """ZooKeeper's jars: those of ZOOKEEPER_HOME if that is set, else the locked ones."""
    home = os.environ.get("ZOOKEEPER_HOME")
    if home is None:
        return class_path(LOCK_FILE, progress=progress)
    jars = sorted(Path(home, "lib").glob("*.jar"))
    if not any(jar.name.startswith("zookeeper-") for jar in jars):
        raise ArtifactError(
            f"ZOOKEEPER_HOME={home}: no lib/zookeeper-*.jar there; unset it to use our own"
        )
    return jars


def write_configuration(file: Path, *, data_dir: Path, port: int) -> None:
    """Write a zoo.cfg for a standalone server on 127.0.0.1:`port`."""
    file.write_text(CONFIGURATION.format(data_dir=data_dir, port=port))


def zookeeper_command(jars: list[Path], configuration_file: Path) -> list[str]:
    """The argv of a ZooKeeper server. It logs warnings and errors to stderr."""
    properties = {
        "org.slf4j.simpleLogger.defaultLogLevel": "warn",
        "org.slf4j.simpleLogger.showDateTime": "true",
        "org.slf4j.simpleLogger.dateTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSS",
        # One thread a core for connections is plenty; the default is for big machines.
        "zookeeper.nio.numSelectorThreads": "1",
    }
    return java_command(
        jars, MAIN_CLASS, str(configuration_file), heap_mb=HEAP_MB, properties=properties
    )


def four_letter_word(port: int, word: str, timeout_s: float = 1.0) -> str:
    """ZooKeeper's answer to an administrative word such as `srvr`; blocks at most `timeout_s`.

    Raises OSError if nobody listens, or the answer does not come.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(word.encode())
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces).decode()


def is_serving(port: int) -> bool:
    """Whether the ZooKeeper at `port` takes sessions.

    `srvr` and not `ruok`: the latter says imok before the database is loaded.
    """
    try:
        return "Mode: standalone" in four_letter_word(port, "srvr")
    except OSError:
        return False
