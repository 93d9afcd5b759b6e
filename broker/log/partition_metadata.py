"""partition.metadata: the topic id that a log belongs to (KIP-516).

    version: 0
    topic_id: p8kfXaW0RVyQzNfzJkPBTg      16 bytes, URL-safe base64 without padding

A topic that was deleted and made again has the same name but another id; this file keeps the old
topic's records from being served as the new one's. Source: Kafka's `PartitionMetadataFile`.
"""

import uuid
from pathlib import Path

from broker.log.disk import Disk, replace_file
from coordination.znodes import topic_id_from_text, topic_id_text


class MalformedPartitionMetadata(Exception):  # named for what was found
    """Names the file and what is wrong with it."""


def write_topic_id(disk: Disk, path: Path, topic_id: uuid.UUID) -> None:
    """Written and synced before the first record is: the log must never be without its id."""
    content = f"version: 0\ntopic_id: {topic_id_text(topic_id)}"
    replace_file(disk, path, content.encode(), sync=True)


def read_topic_id(path: Path) -> uuid.UUID | None:
    """None if there is no file (a log older than topic ids)."""
    try:
        lines = path.read_bytes().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    if fields.get("version") != "0":
        raise MalformedPartitionMetadata(f"{path}: no 'version: 0'")
    try:
        return topic_id_from_text(fields["topic_id"])
    except (KeyError, ValueError) as error:
        raise MalformedPartitionMetadata(f"{path}: no topic_id of 16 base64 bytes") from error
