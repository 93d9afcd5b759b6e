"""`zbroker-admin`, with real Kafka brokers in place of ours, started from the same files."""

from pathlib import Path

from cli.admin import main
from cli.java.runtime import java_command
from tests.support.kafka import BROKER_HEAP_MB
from tests.support.kafka_jars import kafka_class_path


def kafka_command(server_properties: Path) -> list[str]:
    return java_command(
        kafka_class_path(),
        "kafka.Kafka",
        str(server_properties),
        heap_mb=BROKER_HEAP_MB,
        properties={"org.slf4j.simpleLogger.defaultLogLevel": "info"},
    )


if __name__ == "__main__":
    main(obj=kafka_command)
