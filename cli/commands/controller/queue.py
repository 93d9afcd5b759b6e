"""`zbroker-admin controller queue`: what the controller is doing, and what waits behind it.

One event is under way at a time, to its end: one that lasts holds up all others, and is why nothing
in the cluster changes. The orders that come of it wait for each broker apart: a broker that doesn't
answer is sent the same one again, and its queue grows. Only zbroker's brokers tell of it.
"""

from typing import Any

import click

from cli.client import Address
from cli.commands.controller.asking import ask_controller, http_options
from cli.commands.options import output_option
from cli.commands.output import Answer, Table

PATH = "/controller/queue"
COLUMNS = ("BROKER", "WAITING", "ASKED", "SINCE", "SENT")


@click.command("queue")
@http_options
@output_option(repeats=True)
def command(addresses: tuple[Address, ...], timeout: float, output: str) -> None:
    """Print the event that the controller is at, those that wait, and each broker's orders.

    Of a real Kafka nothing tells. Exit code 4 if none of the brokers is the controller.

    \b
    Example: zbroker-admin controller queue --http 127.0.0.1:9404,127.0.0.1:9405
    """
    document = ask_controller(addresses, PATH, timeout)
    answer_of(document).print_as(output)


def answer_of(document: dict[str, Any]) -> Answer:
    return Answer(
        facts=document,
        text=[
            f"Controller: broker {document['broker']}, epoch {document['epoch']}",
            f"Under way: {_under_way(document['under_way'])}",
            f"Waiting: {_waiting(document)}",
            Table(COLUMNS, [_row(each) for each in document["brokers"]]),
        ],
        names=[each["event"] for each in document["waiting"]],
    )


def _under_way(event: dict[str, Any] | None) -> str:
    return "nothing" if event is None else f"{_in_words(event)}, for {event['ms']} ms"


def _waiting(document: dict[str, Any]) -> str:
    if not document["waiting_count"]:
        return "nothing"
    told = ", ".join(_in_words(each) for each in document["waiting"])
    untold = document["waiting_count"] - len(document["waiting"])
    return f"{document['waiting_count']}: {told}" + (f", and {untold} more" if untold else "")


def _in_words(event: dict[str, Any]) -> str:
    if event["broker"] is None:
        return str(event["event"])
    return f"{event['event']} ({event['command']}, by broker {event['broker']})"


def _row(orders: dict[str, Any]) -> tuple[object, ...]:
    since = None if orders["ms"] is None else f"{orders['ms']} ms"
    times = None if orders["attempts"] is None else f"{orders['attempts']}x"
    return orders["broker"], orders["waiting_count"], orders["asked"], since, times
