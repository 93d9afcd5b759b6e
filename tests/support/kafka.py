"""What is a real Apache Kafka 3.9.1's own: the command of its broker, and its tools.

    with running_broker("kafka", 1, zookeeper, tmp_path) as kafka:
        kafka_tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", kafka.address, ...)

The tools run against any broker, ours above all. Their main classes are those of Kafka's
`bin/*.sh` scripts. The jars come through `cli.java`, as for users.
"""

import socket
import struct
import subprocess
from pathlib import Path

from cli.java.runtime import java_command
from tests.support.kafka_jars import kafka_class_path

BROKER_HEAP_MB = 512
TOOL_HEAP_MB = 256
TOOL_TIMEOUT_S = 60.0


def kafka_command(configuration: Path) -> list[str]:
    """The argv of a broker that reads its properties from `configuration`."""
    return java_command(
        kafka_class_path(),
        "kafka.Kafka",
        str(configuration),
        heap_mb=BROKER_HEAP_MB,
        properties={"org.slf4j.simpleLogger.defaultLogLevel": "info"},
    )


def kafka_tool(
    main_class: str, *arguments: str, stdin: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run one of Kafka's tools to its end, at most a minute; its output is text.

    With `check`, a tool that fails raises AssertionError with all it said.
    """
    result = subprocess.run(
        tool_command(main_class, *arguments),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TOOL_TIMEOUT_S,
        check=False,
    )
    if check:
        assert result.returncode == 0, f"{main_class}: {result.stdout}\n{result.stderr}"
    return result


def tool_command(main_class: str, *arguments: str) -> list[str]:
    """The argv of a Kafka tool, for tests that must talk to it while it runs."""
    return java_command(
        kafka_class_path(),
        main_class,
        *arguments,
        heap_mb=TOOL_HEAP_MB,
        properties={"org.slf4j.simpleLogger.defaultLogLevel": "warn"},
    )


def answers_api_versions(port: int) -> bool:
    """Whether a broker answers requests at `port`: it listens before it does.

    Written out by hand (ApiVersions 0: key 18, version 0, correlation id 1, no client id), so
    that waiting for the real Kafka trusts nothing of ours.
    """
    request = struct.pack(">ihhih", 10, 18, 0, 1, -1)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(request)
            return len(connection.recv(8)) == 8
    except OSError:
        return False
