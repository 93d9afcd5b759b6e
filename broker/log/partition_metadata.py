"""partition.metadata: the topic id that a log belongs to (KIP-516).

    version: 0
    topic_id: p8kfXaW0RVyQzNfzJkPBTg      16 bytes, URL-safe base64 without padding

A topic that was deleted and made again has the same name but another id; this file keeps the old
topic's records from being served as the new one's. Source: Kafka's `PartitionMetadataFile`.
"""

import base64
import binascii
import uuid
from pathlib import Path

from broker.log.disk import Disk, replace_file


class MalformedPartitionMetadata(Exception):  # named for what was found
    """Names the file and what is wrong with it."""


def write_topic_id(disk: Disk, path: Path, topic_id: uuid.UUID) -> None:
    """Written and synced before the first record is: the log must never be without its id."""
    encoded = base64.urlsafe_b64encode(topic_id.bytes).rstrip(b"=")
    replace_file(disk, path, b"version: 0\ntopic_id: " + encoded, sync=True)


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
        return uuid.UUID(bytes=base64.urlsafe_b64decode(fields["topic_id"] + "=="))
    except (KeyError, ValueError, binascii.Error) as error:
        raise MalformedPartitionMetadata(f"{path}: no topic_id of 16 base64 bytes") from error
