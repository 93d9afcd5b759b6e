"""`zbroker-admin trace requests`: what brokers are asked, as they answer.

    03:41:07.120  127.0.0.1:9404  Produce v9 from producer-1: 3.1 ms (0.4 local, 2.6 remote) NONE 1

Local is work, remote is waiting for others: for followers with acks=all, for records (a Fetch).
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from cli.client import Address
from cli.commands.options import output_option
from cli.commands.output import JSON_VERSION
from cli.commands.trace.streams import follow_brokers, parse_http
from cli.commands.yaml_text import yaml_lines

PATH = "/requests"


@click.command("requests")
@click.option(
    "--http", "addresses", required=True, callback=parse_http, metavar="HOST:PORT,..",
    help="The brokers' http.listener.",
)  # fmt: skip
@click.option("--api", "apis", multiple=True, metavar="API,..", help="Only these: Produce, Fetch..")
@click.option("--client", "clients", multiple=True, metavar="ID", help="Only of these client ids.")
@output_option()
def command(
    addresses: tuple[Address, ...], apis: tuple[str, ...], clients: tuple[str, ...], output: str
) -> None:
    """Print each request that brokers answer, and how long it took, until Ctrl-C.

    With -o json each is an object in a line.

    \b
    Example: zbroker-admin trace requests --http 127.0.0.1:9404 --api Produce --client producer-1
    """
    wanted = {name.strip().lower() for each in apis for name in each.split(",") if name.strip()}

    def tell(address: Address, document: dict[str, Any]) -> None:
        if wanted and document["api"].lower() not in wanted:
            return
        if clients and document["client_id"] not in clients:
            return
        click.echo(_told(address, document, output))

    follow_brokers(addresses, PATH, tell)


def _told(address: Address, document: dict[str, Any], output: str) -> str:
    if output in ("json", "yaml"):
        errors = [{"error": name, "count": count} for name, count in document["errors"].items()]
        facts = {"v": JSON_VERSION, "http": str(address), **document, "errors": errors}
        return json.dumps(facts) if output == "json" else "\n".join(["---", *yaml_lines(facts)])
    if output == "name":
        return str(document["api"])
    return " ".join(_words(address, document, is_wide=output == "wide"))


def _words(address: Address, document: dict[str, Any], *, is_wide: bool) -> Sequence[str]:
    moment = datetime.fromtimestamp(document["time_ms"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    client = document["client_id"]
    words = [
        f"{moment}  {address}  {document['api']} v{document['version']}",
        f"from {'a client without a name' if client is None else client}:",
        f"{document['total_ms']:g} ms",
        f"({document['local_ms']:g} local, {document['remote_ms']:g} remote)",
        *(f"{name} {count}" for name, count in document["errors"].items()),
    ]
    if is_wide:
        words += [
            f"[{document['correlation_id']}, {document['size_bytes']} bytes by "
            f"{document['listener']}, {document['principal']} at {document['host']}]"
        ]
    return words
