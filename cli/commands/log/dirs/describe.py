"""`zbroker-admin log dirs describe`."""

from collections.abc import Mapping, Sequence

import click

from cli.client import BrokerUnreachable, Cluster, ConnectionLost, RequestFailed
from cli.client.log_dirs import LogDir, describe_log_dirs
from cli.client.topics import partitions_of
from cli.commands.completing import complete_brokers, complete_topics
from cli.commands.naming import parse_broker_ids
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table
from coordination.values import TopicPartition

COLUMNS = ("BROKER", "LOG-DIR", "REPLICAS", "BYTES", "VOLUME-FREE", "ERROR")
WIDE_COLUMNS = ("BROKER", "LOG-DIR", "TOPIC", "PARTITION", "BYTES", "LAG", "FUTURE")

# A broker's directories, or why it did not tell.
Told = Mapping[int, Sequence[LogDir] | str]


@click.command("describe")
@click.option(
    "--broker-list", "broker_ids", callback=parse_broker_ids, metavar="ID,..",
    shell_complete=complete_brokers, help="Only these brokers.",
)  # fmt: skip
@click.option(
    "--topic-list", "topics", metavar="TOPIC,..", shell_complete=complete_topics,
    help="Only the replicas of these topics.",
)  # fmt: skip
@output_option(repeats=True)
@cluster_options
def command(target: Target, broker_ids: list[int] | None, topics: str | None, output: str) -> None:
    """Print the brokers' log directories and what lies in them; -o wide has each replica.

    \b
    Example: zbroker-admin log dirs describe --broker-list 1,2 --topic-list orders -o wide
    """

    names = None if topics is None else [name.strip() for name in topics.split(",")]

    async def facts(cluster: Cluster) -> tuple[list[str], Told]:
        asked = sorted(await cluster.brokers()) if broker_ids is None else broker_ids
        if names is None:
            return [], {each: await _told(cluster, each, None) for each in asked}
        found = await partitions_of(cluster, names)
        partitions = [TopicPartition(name, each) for name in found for each in found[name]]
        missing = [f"no topic {name!r}" for name in names if name not in found]
        return missing, {each: await _told(cluster, each, partitions) for each in asked}

    missing, told = target.ask(facts)
    known = {each: dirs for each, dirs in told.items() if not isinstance(dirs, str)}
    _answer(known).print_as(output)
    silent = [why for why in told.values() if isinstance(why, str)]
    fail_for([*missing, *silent], any_done=bool(known))


async def _told(
    cluster: Cluster, broker_id: int, partitions: Sequence[TopicPartition] | None
) -> Sequence[LogDir] | str:
    try:
        return await describe_log_dirs(cluster, broker_id, partitions)
    except (BrokerUnreachable, ConnectionLost, RequestFailed) as error:
        return str(error)


def _answer(told: Mapping[int, Sequence[LogDir]]) -> Answer:
    dirs = [(broker_id, each) for broker_id, all_ in told.items() for each in all_]
    return Answer(
        facts={"log_dirs": [_facts(broker_id, each) for broker_id, each in dirs]},
        text=[Table(COLUMNS, [_row(broker_id, each) for broker_id, each in dirs])],
        wide=[
            Table(
                WIDE_COLUMNS,
                [row for broker_id, each in dirs for row in _replica_rows(broker_id, each)],
            )
        ],
        names=[each.path for _, each in dirs],
    )


def _row(broker_id: int, log_dir: LogDir) -> tuple[object, ...]:
    return (
        broker_id,
        log_dir.path,
        len(log_dir.replicas),
        sum(lies.size_bytes for lies in log_dir.replicas.values()),
        log_dir.usable_bytes,
        log_dir.error.name if log_dir.error else None,
    )


def _replica_rows(broker_id: int, log_dir: LogDir) -> list[tuple[object, ...]]:
    return [
        (
            broker_id,
            log_dir.path,
            each.topic,
            each.partition,
            log_dir.replicas[each].size_bytes,
            log_dir.replicas[each].offset_lag,
            "yes" if log_dir.replicas[each].is_future else "no",
        )
        for each in sorted(log_dir.replicas, key=lambda one: (one.topic, one.partition))
    ]


def _facts(broker_id: int, log_dir: LogDir) -> dict[str, object]:
    return {
        "broker": broker_id,
        "log_dir": log_dir.path,
        "error": log_dir.error.name if log_dir.error else None,
        "total_bytes": log_dir.total_bytes,
        "usable_bytes": log_dir.usable_bytes,
        "replicas": [
            {
                "topic": each.topic,
                "partition": each.partition,
                "size_bytes": lies.size_bytes,
                "offset_lag": lies.offset_lag,
                "future": lies.is_future,
            }
            for each, lies in log_dir.replicas.items()
        ],
    }
