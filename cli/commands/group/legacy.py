"""`zbroker-admin group legacy`: a group of consumers from before 0.9, which live in ZooKeeper.

    /consumers/G/ids/CONSUMER       ephemeral: a member, and the topics it wants
    /consumers/G/owners/T/P         ephemeral: which of its threads reads the partition
    /consumers/G/offsets/T/P        how far: the next offset to read

No broker has a part in such a group, and no tool of 3.9 shows it any more. A newer client that
commits with OffsetCommit 0 leaves its offsets there, too, but no members and no owners.

Source: kafka.consumer.ZookeeperConsumerConnector of Kafka 1.1, the last that had it.
"""

import json

import attrs
import click

from cli.commands.options import Failure, output_option
from cli.commands.output import Answer, Table
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.store import NoNode, Session
from coordination.values import TopicPartition
from coordination.znodes import paths

COLUMNS = ("GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "OWNER")
MEMBER_COLUMNS = ("CONSUMER-ID", "SUBSCRIPTION")


@attrs.frozen
class LegacyGroup:
    """What stands in the group's znodes; an offset that is no number is None."""

    group_id: str
    members: dict[str, dict[str, int]]
    """consumer -> the topics it reads, and with how many threads."""

    owners: dict[TopicPartition, str]
    offsets: dict[TopicPartition, int | None]


@click.command("legacy")
@click.argument("group_id", metavar="GROUP")
@output_option(repeats=True)
@zookeeper_options
def command(zookeeper: ZooKeeper, group_id: str, output: str) -> None:
    """Print a group of old consumers, which keep members and offsets in ZooKeeper.

    \b
    Example: zbroker-admin group legacy old-billing --zookeeper 127.0.0.1:2181
    """
    if group_id in ("", ".", "..") or "/" in group_id:
        raise click.BadParameter(f"{group_id!r} can't be a group's name", param_hint="GROUP")

    async def question(session: Session) -> LegacyGroup | None:
        return await legacy_group(session, zookeeper.chroot, group_id)

    found = zookeeper.ask(question)
    if found is None:
        raise Failure(f"no group {group_id!r} in {zookeeper.chroot}{paths.CONSUMERS}")
    _answer(found).print_as(output)


async def legacy_group(session: Session, chroot: str, group_id: str) -> LegacyGroup | None:
    """None if the group has no znode."""
    root = f"{chroot}{paths.CONSUMERS}/{group_id}"
    if await session.exists(root) is None:
        return None
    members = {
        name: _subscription(data) for name, data in (await _below(session, f"{root}/ids")).items()
    }
    owners = await _by_partition(session, f"{root}/owners")
    offsets = await _by_partition(session, f"{root}/offsets")
    return LegacyGroup(
        group_id,
        members,
        {each: data.decode(errors="replace") for each, data in owners.items()},
        {each: int(data) if data.isdigit() else None for each, data in offsets.items()},
    )


async def _by_partition(session: Session, path: str) -> dict[TopicPartition, bytes]:
    """What stands in TOPIC/PARTITION below `path`, sorted."""
    found = {}
    for topic in await _below(session, path):
        for partition, data in (await _below(session, f"{path}/{topic}")).items():
            if partition.isdecimal():
                found[TopicPartition(topic, int(partition))] = data
    return dict(sorted(found.items(), key=lambda each: (each[0].topic, each[0].partition)))


async def _below(session: Session, path: str) -> dict[str, bytes]:
    """The children and what stands in them; none if there is no such node."""
    try:
        names = sorted(await session.children(path))
    except NoNode:
        return {}
    nodes = await session.get_many([f"{path}/{name}" for name in names])
    return {name: node.data for name, node in zip(names, nodes, strict=True) if node is not None}


def _subscription(data: bytes) -> dict[str, int]:
    """Of `{"version":1,"subscription":{"orders":2},"pattern":"static",..}`; of garbage nothing."""
    try:
        topics = json.loads(data)["subscription"]
        return {str(topic): int(threads) for topic, threads in topics.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _answer(group: LegacyGroup) -> Answer:
    partitions = list(dict.fromkeys([*group.offsets, *group.owners]))
    rows = [
        (
            group.group_id,
            each.topic,
            each.partition,
            group.offsets.get(each),
            group.owners.get(each),
        )
        for each in partitions
    ]
    members = [
        (name, ", ".join(f"{topic} ({threads})" for topic, threads in topics.items()) or None)
        for name, topics in group.members.items()
    ]
    return Answer(
        facts={
            "group": group.group_id,
            "members": [
                {
                    "consumer": name,
                    "subscription": [
                        {"topic": topic, "threads": threads} for topic, threads in topics.items()
                    ],
                }
                for name, topics in group.members.items()
            ],
            "partitions": [
                {
                    "topic": each.topic,
                    "partition": each.partition,
                    "offset": group.offsets.get(each),
                    "owner": group.owners.get(each),
                }
                for each in partitions
            ],
        },
        text=[Table(COLUMNS, rows), *([Table(MEMBER_COLUMNS, members)] if members else [])],
        names=partitions,
    )
