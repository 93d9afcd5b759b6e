"""`zbroker-admin records delete`: the oldest records of partitions, for good.

A dry run unless `--execute` is given, other than kafka-delete-records.sh: it shows how many records
would go. They are gone at once for consumers; the disk has them until their segment is old.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.deleted_records import HIGH_WATERMARK, NewStart, delete_records
from cli.client.offsets import At, Found, list_offsets
from cli.client.outcome import Outcome
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer, Table, say
from cli.commands.records.offsets import parse_offsets, read_offsets
from coordination.values import TopicPartition

COLUMNS = ("TOPIC", "PARTITION", "LOG-START", "DELETE-BEFORE", "RECORDS")


@attrs.frozen
class Deletion:
    """What one partition has, and what of it goes, or would go in a dry run."""

    partition: TopicPartition
    log_start_offset: int
    before: int
    outcome: Outcome[NewStart]

    @property
    def offsets(self) -> int:
        """How many offsets go: as many records, unless compaction took some before."""
        return max(0, self.before - self.log_start_offset)


@click.command("delete")
@click.option(
    "--offset",
    "offsets",
    multiple=True,
    callback=parse_offsets,
    metavar="TOPIC:N=OFFSET",
    help="Delete what lies before it; -1: all that consumers can read.",
)
@click.option(
    "--offset-json-file",
    "in_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=read_offsets,
    metavar="FILE",
    help='{"partitions": [{"topic": "orders", "partition": 0, "offset": 17}], "version": 1}',
)
@click.option("--execute", is_flag=True, help="Do it.")
@output_option()
@cluster_options
def command(
    target: Target,
    offsets: dict[TopicPartition, int],
    in_file: dict[TopicPartition, int],
    execute: bool,
    output: str,
) -> None:
    """Delete the oldest records of partitions; a dry run without --execute.

    \b
    Example: zbroker-admin records delete --offset orders:0=1000 --execute
    """
    if bool(offsets) == bool(in_file):
        raise click.UsageError("give --offset, or --offset-json-file")
    wanted = offsets or in_file

    async def delete(cluster: Cluster) -> list[Deletion]:
        return await _delete(cluster, wanted, execute=execute)

    done = target.ask(delete)
    _answer(done, execute=execute).print_as(output)
    if not execute:
        say("a dry run: nothing was deleted; --execute does it")
    fail_for_outcomes([each.outcome for each in done], lambda each: str(each.partition))


async def _delete(
    cluster: Cluster, wanted: Mapping[TopicPartition, int], *, execute: bool
) -> list[Deletion]:
    starts = await list_offsets(cluster, dict.fromkeys(wanted, At.EARLIEST))
    ends = await list_offsets(cluster, dict.fromkeys(wanted, At.LATEST))
    if execute:
        done = {each.subject.partition: each for each in await delete_records(cluster, wanted)}
    else:
        done = {
            each: Outcome(NewStart(each, None), _refusal(ends[each], before))
            for each, before in wanted.items()
        }
    return [
        Deletion(
            each,
            starts[each].offset or 0,
            _offset(ends[each]) if before == HIGH_WATERMARK else before,
            done[each],
        )
        for each, before in wanted.items()
    ]


def _refusal(end: Found, before: int) -> ErrorCode:
    """What a leader would say, so that a dry run tells it, too."""
    if end.error is ErrorCode.NONE and before > _offset(end):
        return ErrorCode.OFFSET_OUT_OF_RANGE
    return end.error


def _offset(found: Found) -> int:
    return found.offset or 0


def _answer(done: Sequence[Deletion], *, execute: bool) -> Answer:
    shown = [each for each in done if each.outcome.done]
    return Answer(
        facts={
            "executed": execute,
            "partitions": [
                {
                    "topic": each.partition.topic,
                    "partition": each.partition.partition,
                    "log_start_offset": each.log_start_offset,
                    "delete_before": each.before,
                    "low_watermark": each.outcome.subject.low_watermark,
                    **error_facts(each.outcome),
                }
                for each in done
            ],
        },
        text=[
            Table(
                COLUMNS,
                [
                    (
                        each.partition.topic,
                        each.partition.partition,
                        each.log_start_offset,
                        each.before,
                        each.offsets,
                    )
                    for each in shown
                ],
            )
        ]
        if shown
        else [],
        names=[each.partition for each in shown],
    )
