"""Where a group is to go on reading: from a wish to an offset for each partition.

    --to-earliest, --to-latest        an end of the log
    --to-datetime, --by-duration      the first record that is as young, else the end of the log
    --to-offset, --shift-by, a file   an offset, moved into the log where it lies outside
    --to-current                      what is committed, else the end of the log

Kafka's tool decides the same (ConsumerGroupCommand.prepareOffsetsToReset). Nothing is written here.
"""

from collections.abc import Mapping, Sequence

import attrs

from cli.client.cluster import Cluster
from cli.client.errors import ClientError, RequestFailed
from cli.client.offsets import At, list_offsets
from coordination.values import TopicPartition


@attrs.frozen
class ToEnd:
    """To an end of the log: EARLIEST or LATEST."""

    end: At


@attrs.frozen
class ToTime:
    """To the first record that is not older, in milliseconds since 1970."""

    timestamp_ms: int


@attrs.frozen
class ToOffset:
    """To the same offset in each partition."""

    offset: int


@attrs.frozen
class ToEach:
    """To an offset of its own in each partition: a plan that was exported."""

    offsets: Mapping[TopicPartition, int]


@attrs.frozen
class ShiftBy:
    """Forwards, or backwards if negative, from what is committed."""

    records: int


@attrs.frozen
class ToCurrent:
    """To where it is: with `--export` a backup, elsewhere a commit for partitions without one."""


Wish = ToEnd | ToTime | ToOffset | ToEach | ShiftBy | ToCurrent


@attrs.frozen
class Plan:
    """New offsets, and what its reader should know of them."""

    offsets: Mapping[TopicPartition, int]
    remarks: Sequence[str] = ()


async def plan_reset(
    cluster: Cluster,
    partitions: Sequence[TopicPartition],
    committed: Mapping[TopicPartition, int],
    wish: Wish,
) -> Plan:
    """The offset that each partition is to be read from.

    Raises `ClientError` for a partition that is not there or has no leader, and for one that can't
    be shifted because nothing is committed: a reset in part is none.
    """
    match wish:
        case ToEnd(end):
            return Plan(await _ends(cluster, partitions, end))
        case ToTime(timestamp_ms):
            return await _at_time(cluster, partitions, timestamp_ms)
        case ToOffset(offset):
            return await _within(cluster, dict.fromkeys(partitions, offset))
        case ToEach(offsets):
            return await _within(cluster, offsets)
        case ShiftBy(records):
            for each in partitions:
                if each not in committed:
                    raise ClientError(f"{each} can't be shifted: no offset of it is committed")
            return await _within(cluster, {each: committed[each] + records for each in partitions})
        case ToCurrent():
            without = [each for each in partitions if each not in committed]
            ends = await _ends(cluster, without, At.LATEST)
            return Plan({each: committed.get(each, ends.get(each, 0)) for each in partitions})


async def _ends(
    cluster: Cluster, partitions: Sequence[TopicPartition], at: int
) -> dict[TopicPartition, int]:
    known = await _known(cluster, partitions, at)
    return {each: offset for each, offset in known.items() if offset is not None}


async def _at_time(
    cluster: Cluster, partitions: Sequence[TopicPartition], timestamp_ms: int
) -> Plan:
    known = await _known(cluster, partitions, timestamp_ms)
    without = [each for each in partitions if known[each] is None]
    ends = await _ends(cluster, without, At.LATEST)
    remarks = [f"{each} has no record as young: its end is taken" for each in without]
    offsets = {each: offset for each, offset in known.items() if offset is not None}
    return Plan({**offsets, **ends}, remarks)


async def _within(cluster: Cluster, wanted: Mapping[TopicPartition, int]) -> Plan:
    partitions = list(wanted)
    starts = await _ends(cluster, partitions, At.EARLIEST)
    ends = await _ends(cluster, partitions, At.LATEST)
    offsets = {each: min(max(offset, starts[each]), ends[each]) for each, offset in wanted.items()}
    remarks = [
        f"{each}: {wanted[each]} lies outside of the log, {offset} is taken"
        for each, offset in offsets.items()
        if offset != wanted[each]
    ]
    return Plan(offsets, remarks)


async def _known(
    cluster: Cluster, partitions: Sequence[TopicPartition], at: int
) -> dict[TopicPartition, int | None]:
    found = await list_offsets(cluster, dict.fromkeys(partitions, at))
    for each, answer in found.items():
        if answer.error:
            raise RequestFailed(str(each), answer.error)
    return {each: found[each].offset for each in partitions}
