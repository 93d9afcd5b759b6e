"""`zbroker-admin controller state-machines`: in which state the controller sees everything.

A partition without a leader is OfflinePartition, or still NewPartition; a replica that holds up its
topic's deletion is ReplicaDeletionIneligible: Kafka's names, and its two tables. It is in no znode:
the controller works it out when it is elected. Only zbroker's brokers tell of it.
"""

from typing import Any

import click

from cli.client import Address
from cli.commands.controller.asking import ask_controller, http_options
from cli.commands.failure import Failure
from cli.commands.options import output_option
from cli.commands.output import Answer, Table

PATH = "/controller/states"
COLUMNS = ("PARTITION", "STATE", "LEADER", "EPOCH", "ISR", "REPLICAS")
SOUND = ("OnlinePartition", "OnlineReplica")


@click.command("state-machines")
@click.argument("topics", nargs=-1, metavar="[TOPIC]..")
@click.option("--not-online", is_flag=True, help="Only partitions that aren't wholly online.")
@http_options
@output_option(repeats=True)
def command(
    topics: tuple[str, ...],
    not_online: bool,
    addresses: tuple[Address, ...],
    timeout: float,
    output: str,
) -> None:
    """Print the state of each topic's deletion, each partition and replica, by the controller.

    Of a real Kafka nothing tells. Exit code 4 if none of the brokers is the controller.

    \b
    Example: zbroker-admin controller state-machines --http 127.0.0.1:9404 --not-online
    """
    document = ask_controller(addresses, PATH, timeout)
    answer_of(document, topics, not_online=not_online).print_as(output)


def answer_of(document: dict[str, Any], topics: tuple[str, ...], *, not_online: bool) -> Answer:
    """Of these topics, or of all; raises `Failure` for one that isn't there."""
    unknown = set(topics) - {each["topic"] for each in document["topics"]}
    if unknown:
        raise Failure(f"the controller knows no topic {', '.join(sorted(unknown))}")
    told = [
        {**each, "partitions": [p for p in each["partitions"] if not (not_online and _is_sound(p))]}
        for each in document["topics"]
        if not topics or each["topic"] in topics
    ]
    if not_online:
        told = [each for each in told if each["partitions"] or each["deletion"]]
    text: list[Table | str] = [
        f"Controller: broker {document['broker']}, epoch {document['epoch']}",
        *(f"Deletion: {each['topic']}: {each['deletion']}" for each in told if each["deletion"]),
        Table(
            COLUMNS,
            [_row(each["topic"], partition) for each in told for partition in each["partitions"]],
        ),
    ]
    return Answer(
        facts={**document, "topics": told},
        text=text,
        names=[f"{each['topic']}-{p['partition']}" for each in told for p in each["partitions"]],
    )


def _is_sound(partition: dict[str, Any]) -> bool:
    states = {partition["state"], *(each["state"] for each in partition["replicas"])}
    return states <= set(SOUND)


def _row(topic: str, partition: dict[str, Any]) -> tuple[object, ...]:
    """Replicas by state: `OnlineReplica 1,2; OfflineReplica 3`."""
    brokers: dict[str, list[int]] = {}
    for each in partition["replicas"]:
        brokers.setdefault(each["state"], []).append(each["broker"])
    replicas = "; ".join(f"{state} {_ids(ids)}" for state, ids in brokers.items())
    return (
        f"{topic}-{partition['partition']}",
        partition["state"] + (", being reassigned" if partition["reassigning"] else ""),
        partition["leader"],
        partition["leader_epoch"],
        _ids(partition["isr"]) or None,
        replicas or None,
    )


def _ids(brokers: list[int]) -> str:
    return ",".join(map(str, brokers))
