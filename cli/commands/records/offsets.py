"""Offsets of partitions, as options and as Kafka's JSON: before them, records are deleted.

orders:0=1000     -1 for all that consumers can read
{"version": 1, "partitions": [{"topic": "orders", "partition": 0, "offset": 1000}]}
"""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from cli.client.deleted_records import HIGH_WATERMARK
from coordination.values import TopicPartition


def parse_offsets(
    _context: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> dict[TopicPartition, int]:
    """An option's callback: `TOPIC:N=OFFSET` each."""
    wanted: dict[TopicPartition, int] = {}
    for text in texts:
        name, equals, offset = text.rpartition("=")
        topic, colon, number = name.rpartition(":")
        try:
            partition, before = TopicPartition(topic, int(number)), int(offset)
        except ValueError:
            partition, before = TopicPartition("", 0), -2
        if not (equals and colon and topic) or partition.partition < 0 or before < HIGH_WATERMARK:
            raise click.BadParameter(f"{text!r} is not TOPIC:N=OFFSET", param=parameter)
        if partition in wanted:
            raise click.BadParameter(f"{partition} is named twice", param=parameter)
        wanted[partition] = before
    return wanted


def read_offsets(
    _context: click.Context, parameter: click.Parameter, file: Path | None
) -> dict[TopicPartition, int]:
    """An option's callback: what stands in the file, nothing for none."""
    if file is None:
        return {}
    try:
        entries = json.loads(file.read_text())["partitions"]
        found = [
            (TopicPartition(str(each["topic"]), int(each["partition"])), int(each["offset"]))
            for each in entries
        ]
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{file}: {error}", param=parameter) from None
    except (KeyError, TypeError):
        shape = '{"partitions": [{"topic": .., "partition": .., "offset": ..}, ..]}'
        raise click.BadParameter(f"{file} is not {shape}", param=parameter) from None
    if len(dict(found)) < len(found):
        raise click.BadParameter(f"{file} names a partition twice", param=parameter)
    return dict(found)
