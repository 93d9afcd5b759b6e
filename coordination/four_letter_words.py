"""What a ZooKeeper server tells of itself, asked by four letters on its client port.

    srvr    who it is, and how it does                             allowed by default
    cons    who is connected: session, timeout, address            } only if the server's
    dump    sessions with their ephemeral nodes                    } 4lw.commands.whitelist
    wchp    which session watches which path for its data          } names them, or is *

The answer is text, and the connection ends. A session's watches for *children* are in none of them:
a controller's watch on /brokers/ids is not to be seen.

Source: org.apache.zookeeper.server.command, ServerCnxn.dumpConnectionInfo.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import trio

DEFAULT_PORT: Final = 2181
ANSWER_TIMEOUT_S: Final = 5.0
# A server with a hundred thousand watches tells of them in some 10 MB.
MOST_ANSWER_BYTES: Final = 100_000_000

_CONNECTION: Final = re.compile(r"\s*/(?P<client>\S+)\[\d+\]\((?P<facts>.*)\)")


class WordRefused(Exception):  # named for what was found
    """The server does not answer this word; the text says so in a line."""


@attrs.frozen
class Connection:
    """Of a client to a server; `session_id` is None before it has one."""

    client: str
    session_id: int | None
    timeout_ms: int | None
    last_operation: str | None


def servers_of(hosts: str) -> list[tuple[str, int]]:
    """`a:2181,b` -> each server's name and port."""
    found = []
    for each in map(str.strip, hosts.split(",")):
        name, colon, port = each.rpartition(":")
        has_port = colon and port.isdecimal()
        host = (name if has_port else each).strip("[]")  # [::1]
        found.append((host, int(port) if has_port else DEFAULT_PORT))
    return found


async def ask(host: str, port: int, word: str) -> str:
    """The server's answer. OSError, `WordRefused`."""
    try:
        with trio.fail_after(ANSWER_TIMEOUT_S):
            async with await trio.open_tcp_stream(host, port) as stream:
                await stream.send_all(word.encode())
                answer = b""
                while chunk := await stream.receive_some():
                    answer += chunk
                    if len(answer) > MOST_ANSWER_BYTES:
                        raise WordRefused(f"{word}: more than {MOST_ANSWER_BYTES} bytes")
    except trio.BrokenResourceError as error:
        raise ConnectionResetError(f"{host}:{port} hung up") from error
    except trio.TooSlowError as error:
        raise TimeoutError(f"{host}:{port} did not answer within {ANSWER_TIMEOUT_S:g} s") from error
    text = answer.decode(errors="replace")
    if "is not executed because it is not in the whitelist" in text:
        raise WordRefused(f"{word} is not in its 4lw.commands.whitelist")
    return text


def parse_server(text: str) -> dict[str, str]:
    """`srvr`: its lines, as they are named there."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def parse_connections(text: str) -> list[Connection]:
    """`cons`."""
    found = []
    for line in text.splitlines():
        match = _CONNECTION.fullmatch(line)
        if match is None:
            continue
        facts = dict(each.partition("=")[::2] for each in match["facts"].split(","))
        session_id = facts.get("sid")
        timeout_ms = facts.get("to")
        found.append(
            Connection(
                match["client"],
                None if session_id is None else int(session_id, 16),
                None if timeout_ms is None else int(timeout_ms),
                facts.get("lop"),
            )
        )
    return found


def parse_ephemerals(text: str) -> dict[int, list[str]]:
    """`dump`: the ephemeral nodes of each session, by their whole paths."""
    _, _, listed = text.partition("Sessions with Ephemerals")
    return {
        int(head.rstrip(":"), 16): sorted(paths)
        for head, paths in _blocks(listed)
        if head.startswith("0x")
    }


def parse_watches(text: str) -> dict[str, list[int]]:
    """`wchp`: the sessions that watch a path for its data."""
    return {
        path: sorted(int(each, 16) for each in sessions)
        for path, sessions in _blocks(text)
        if path.startswith("/")
    }


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """A line at the margin with the indented ones below it."""
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line[:1] in ("\t", " "):
            if blocks:
                blocks[-1][1].append(line.strip())
        elif line:
            blocks.append((line, []))
    return blocks


def watchers_of(answers: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    """What several servers have told, each of its own clients, put together."""
    found: dict[str, list[int]] = {}
    for answer in answers:
        for path, sessions in answer.items():
            found[path] = sorted({*found.get(path, []), *sessions})
    return found
