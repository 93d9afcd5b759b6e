"""The controller's pages: all the brokers that are named are asked, the controller's answers.

Two may answer for a moment, when one of them hasn't heard yet that another was elected: the later
epoch is right.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
import trio

from cli.client import Address, ClientError, TimedOut
from cli.client.http_page import page_of
from cli.commands.failure import Exit, Failure
from cli.commands.options import run, timeout_option
from cli.commands.trace.streams import parse_http

Command = TypeVar("Command", bound=Callable[..., Any])


def http_options(command: Command) -> Command:
    """Add `--http` and `--timeout`; the command gets `addresses`, and `timeout` in seconds."""
    option = click.option(
        "--http", "addresses", required=True, callback=parse_http, metavar="HOST:PORT,..",
        help="The brokers' http.listener: the controller's among them.",
    )  # fmt: skip
    return option(timeout_option(command))


def ask_controller(addresses: Sequence[Address], path: str, timeout_s: float) -> Any:
    """The controller's page, as JSON. Ends the command if none of them is the controller's: 4."""

    async def ask() -> Any:
        with trio.move_on_after(timeout_s):
            return await controller_page(addresses, path)
        raise TimedOut(f"not done within {timeout_s:g} s")

    return run(ask)


async def controller_page(addresses: Sequence[Address], path: str) -> Any:
    """Raises `Failure` if none of them is the controller's."""
    found: list[Any] = []
    silent: dict[Address, str] = {}

    async def ask(address: Address) -> None:
        try:
            page = await page_of(address, path)
            if page.status == 200:
                found.append(_document(address, path, page.body))
            elif page.status != 503:
                silent[address] = f"http://{address}{path} answers {page.status}"
        except ClientError as error:
            silent[address] = str(error)

    async with trio.open_nursery() as nursery:
        for address in addresses:
            nursery.start_soon(ask, address)
    if found:
        return max(found, key=lambda document: document["epoch"])
    if len(silent) == len(addresses):
        raise Failure("; ".join(silent[address] for address in addresses))
    others = "".join(f"; {why}" for why in silent.values())
    raise Failure(f"none of these brokers is the controller{others}", Exit.NOT_MET)


def _document(address: Address, path: str, body: bytes) -> Any:
    try:
        document = json.loads(body)
        int(document["epoch"])
    except (ValueError, TypeError, KeyError):
        raise ClientError(f"http://{address}{path} is not a broker's page") from None
    return document
