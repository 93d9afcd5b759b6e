"""`zbroker-admin log verify`: whether the files of a partition, or of a log directory, are sound.

Every batch is read (cli.offline). Nothing is written: what a start would mend is told and left.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from broker.meta_properties import FILE_NAME as META_PROPERTIES
from cli.commands.options import Exit, Failure, output_option
from cli.commands.output import Answer, Table, say
from cli.offline.findings import Findings
from cli.offline.log_directory import check_log_directory, partitions_of, remarks_on
from cli.offline.partition import PartitionFacts, check_partition, is_partition, log_bytes
from cli.offline.read_only import Damage

COLUMNS = ("PARTITION", "SEGMENTS", "BATCHES", "BYTES", "START-OFFSET", "END-OFFSET", "DAMAGE")


@click.command("verify")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@output_option()
def command(directory: Path, output: str) -> None:
    """Read all of a partition's directory, or of a log directory; exit code 4 if it is damaged.

    Every batch's CRC, offsets that rise, indexes that point right, leader epochs, snapshots,
    checkpoints. The broker should not be running. Nothing is written.

    \b
    Example: zbroker-admin log verify /var/lib/zbroker/orders-0
    """
    findings = Findings()
    try:
        is_alone = is_partition(directory)
        partitions = [directory] if is_alone else partitions_of(directory, findings)
        if not partitions and not (directory / META_PROPERTIES).exists():
            raise Failure(f"{directory} is neither a partition's directory nor a log directory")
        size_bytes = sum(map(log_bytes, partitions))
        for remark in remarks_on(directory.absolute().parent if is_alone else directory):
            say(remark)
        with click.progressbar(
            length=size_bytes,
            label=f"{len(partitions)} partitions",
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
            update_min_steps=max(1, size_bytes // 200),
        ) as progress:
            findings.read = progress.update
            if is_alone:
                checked = [check_partition(directory, findings)]
            else:
                checked = check_log_directory(directory, partitions, findings)
    except OSError as error:
        raise Failure(f"{error.filename or directory}: {error.strerror}") from None
    damage = findings.damage()
    _answer(checked, damage).print_as(output)
    if damage:
        files = len({each.file for each in damage})
        raise Failure(f"{files} {'file is' if files == 1 else 'files are'} damaged", Exit.NOT_MET)


def _answer(checked: Sequence[PartitionFacts], damage: Sequence[Damage]) -> Answer:
    counts = {
        each.directory: sum(each.directory in one.file.parents for one in damage)
        for each in checked
    }
    total_bytes = sum(each.size_bytes for each in checked)
    batches = sum(each.batch_count for each in checked)
    summary = f"{len(checked)} partitions, {batches} batches, {total_bytes} bytes"
    rows = [
        (
            each.directory.name,
            each.segment_count,
            each.batch_count,
            each.size_bytes,
            each.start_offset,
            each.end_offset,
            counts[each.directory],
        )
        for each in checked
    ]
    said = [str(each) for each in damage]
    return Answer(
        facts={
            "partitions": [
                {
                    "directory": str(each.directory),
                    "segment_count": each.segment_count,
                    "batch_count": each.batch_count,
                    "size_bytes": each.size_bytes,
                    "start_offset": each.start_offset,
                    "end_offset": each.end_offset,
                    "damage_count": counts[each.directory],
                }
                for each in checked
            ],
            "damage": [
                {"file": str(each.file), "position": each.position, "problem": each.problem}
                for each in damage
            ],
        },
        text=[*said, summary if damage else f"{summary}: sound"],
        wide=[*said, Table(COLUMNS, rows)],
        names=[each.file for each in damage],
    )
