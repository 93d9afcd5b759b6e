"""The jars of Apache Kafka 3.9.1, to compare with: message definitions, tools, a whole broker.

`kafka.lock` beside this file names them with their checksums; `make lock` writes it. They are
downloaded when a test first asks (60 MB), and found in the local Maven repository after that.
"""

import functools
from pathlib import Path

from cli.java.artifacts import class_path

LOCK_FILE = Path(__file__).with_name("kafka.lock")


@functools.cache
def kafka_class_path() -> list[Path]:
    """Everything a Kafka broker and Kafka's tools load."""
    return class_path(LOCK_FILE)


def kafka_jar(artifact_id: str) -> Path:
    """One jar: `kafka_jar("kafka-clients")` holds the message definitions, `common/message/`."""
    for jar in kafka_class_path():
        if jar.parent.parent.name == artifact_id:
            return jar
    raise LookupError(f"{LOCK_FILE.name} names no {artifact_id}")
