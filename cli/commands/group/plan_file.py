"""A plan of new offsets as kafka-consumer-groups.sh exports and reads it: CSV without a heading.

orders,0,17               one group
my-group,orders,0,17      several
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from coordination.values import TopicPartition

Plans = Mapping[str, Mapping[TopicPartition, int]]


def plan_text(plans: Plans) -> str:
    """The lines of a plan; the group stands in them if there are several."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for group, offsets in plans.items():
        for each, offset in offsets.items():
            row = (each.topic, each.partition, offset)
            writer.writerow((group, *row) if len(plans) > 1 else row)
    return written.getvalue()


def read_plan(file: Path, groups: Sequence[str]) -> dict[str, dict[TopicPartition, int]]:
    """The new offsets of each of these groups that the file has.

    Raises `click.BadParameter` with the line that can't be read.
    """
    plans: dict[str, dict[TopicPartition, int]] = {}
    try:
        rows = list(csv.reader(io.StringIO(file.read_text())))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--from-file") from None
    for number, row in enumerate(rows, start=1):
        if not row:
            continue
        if len(row) == 3 and len(groups) == 1:
            row = [groups[0], *row]
        try:
            group, topic, partition, offset = (field.strip() for field in row)
            plans.setdefault(group, {})[TopicPartition(topic, int(partition))] = int(offset)
        except ValueError:
            wanted = (
                "TOPIC,PARTITION,OFFSET" if len(groups) == 1 else "GROUP,TOPIC,PARTITION,OFFSET"
            )
            raise click.BadParameter(
                f"{file}:{number}: {','.join(row)!r} is not {wanted}", param_hint="--from-file"
            ) from None
    return {group: plans[group] for group in groups if group in plans}
