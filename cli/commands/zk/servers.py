"""What the servers of a connect string say to four letters, those that don't answer told apart."""

from collections.abc import Sequence

import attrs
import trio

from cli.commands.zookeeper import ZooKeeper
from coordination.four_letter_words import (
    WordRefused,
    ask,
    parse_watches,
    servers_of,
    watchers_of,
)


@attrs.frozen
class Told:
    """A server's answer, or why there is none."""

    server: str
    text: str | None
    problem: str | None = None


async def ask_servers(zookeeper: ZooKeeper, word: str) -> list[Told]:
    """All of them at once, in the order of the connect string."""
    servers = servers_of(zookeeper.hosts)
    told: dict[int, Told] = {}

    async def one(place: int, host: str, port: int) -> None:
        name = f"{host}:{port}"
        try:
            told[place] = Told(name, await ask(host, port, word))
        except WordRefused as error:
            told[place] = Told(name, None, str(error))
        except OSError as error:
            told[place] = Told(name, None, f"{word}: {error.strerror or error}")

    async with trio.open_nursery() as nursery:
        for place, (host, port) in enumerate(servers):
            nursery.start_soon(one, place, host, port)
    return [told[place] for place in range(len(servers))]


async def read_watches(zookeeper: ZooKeeper) -> tuple[dict[str, list[int]], list[str]]:
    """Who watches which whole path for its data, and of which servers we don't know."""
    told = await ask_servers(zookeeper, "wchp")
    answers = [parse_watches(each.text) for each in told if each.text is not None]
    return watchers_of(answers), problems_of(told)


def problems_of(told: Sequence[Told]) -> list[str]:
    """A line for each server that said nothing."""
    return [f"{each.server}: {each.problem}" for each in told if each.problem is not None]
