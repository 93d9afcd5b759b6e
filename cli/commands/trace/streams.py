"""Running brokers followed over HTTP, several at once, until Ctrl-C.

One that ends or can't be reached is told, once, and asked again: after a restart it goes on, with
what was missed as far as the broker remembers it.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import click
import trio

from cli.client import Address, ClientError, parse_addresses
from cli.client.server_sent import Message, follow
from cli.commands.failure import Exit, Failure
from cli.commands.options import run
from cli.commands.output import say

ASK_AGAIN_S = 1.0

# What to do with a broker's message: its data, and by which of the addresses it came.
Tell = Callable[[Address, Any], None]


def parse_http(
    _context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[Address, ...]:
    """An option's callback: `HOST:PORT,..`, each an `http.listener`."""
    if text is None:
        return ()
    try:
        return parse_addresses(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from None


def follow_brokers(addresses: Sequence[Address], path: str, tell: Tell) -> None:
    """Tell what all of them say, until Ctrl-C."""

    async def all_of_them() -> None:
        async with trio.open_nursery() as nursery:
            for address in addresses:
                nursery.start_soon(_follow, address, path, tell)

    try:
        run(all_of_them)
    except Failure as failure:
        if failure.exit_code != Exit.INTERRUPTED:
            raise


async def _follow(address: Address, path: str, tell: Tell) -> None:
    last_id: str | None = None
    told: str | None = None

    def hear(message: Message) -> None:
        nonlocal last_id, told
        last_id, told = message.id or last_id, None
        document = json.loads(message.data)
        if message.event == "lost":
            say(f"{address}: {document['lost']} were left out: they came faster than we read")
        else:
            tell(address, document)

    while True:
        try:
            await follow(address, path, hear, last_event_id=last_id)
            problem = f"{address} has ended the connection"
        except ClientError as error:
            problem = str(error)
        if told is None:
            told = problem
            say(f"{problem}; asking again")
        await trio.sleep(ASK_AGAIN_S)
