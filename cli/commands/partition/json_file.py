"""Partitions in a JSON file, as Kafka's tools read them.

{"partitions": [{"topic": "orders", "partition": 0}, ..]}
"""

import json
from pathlib import Path

import click

from coordination.values import TopicPartition


def read_partitions(file: Path, option: str) -> list[TopicPartition]:
    """The partitions in the file; `click.BadParameter` says for which `option` it can't be read."""
    try:
        document = json.loads(file.read_text())
        found = [
            TopicPartition(str(each["topic"]), int(each["partition"]))
            for each in document["partitions"]
        ]
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint=option) from None
    except (KeyError, TypeError):
        raise click.BadParameter(
            f'{file} is not {{"partitions": [{{"topic": .., "partition": ..}}, ..]}}',
            param_hint=option,
        ) from None
    twice = sorted({str(each) for each in found if found.count(each) > 1})
    if twice:
        raise click.BadParameter(f"{file} names {', '.join(twice)} twice", param_hint=option)
    return found
