"""`zbroker-admin cluster api-versions`: which versions of which requests brokers speak.

With `--diff kafka-3.9.1` only what differs from what that Kafka speaks in ZooKeeper mode, which
lies in cli/reference; exit code 4 if anything does. "-" is an API that a side has not.
"""

from importlib.resources import files

import attrs
import click

from cli.client import Cluster
from cli.client.connection import VersionRange
from cli.client.ensemble_facts import api_versions, describe_cluster
from cli.commands.completing import complete_brokers
from cli.commands.options import Exit, Failure, Target, cluster_options, output_option
from cli.commands.output import Answer, Table

REFERENCES = ("kafka-3.9.1",)
KAFKA = REFERENCES[-1]  # it knows the names of the most APIs


@attrs.frozen
class Row:
    """One API of one broker, beside the reference's versions if a difference was asked for."""

    broker_id: int
    key: int
    name: str
    here: VersionRange | None
    reference: VersionRange | None = None


@click.command("api-versions")
@click.option(
    "--broker",
    "broker_id",
    type=click.IntRange(min=0),
    metavar="ID",
    shell_complete=complete_brokers,
    help="Only this.",
)
@click.option("--diff", "reference", type=click.Choice(REFERENCES), help="Only what differs.")
@output_option(repeats=True)
@cluster_options
def command(target: Target, broker_id: int | None, reference: str | None, output: str) -> None:
    """Print which versions of which requests brokers speak.

    \b
    Example: zbroker-admin cluster api-versions --diff kafka-3.9.1
    """

    async def facts(cluster: Cluster) -> dict[int, dict[int, VersionRange]]:
        everybody = [each.broker_id for each in (await describe_cluster(cluster)).brokers]
        asked = everybody if broker_id is None else [broker_id]
        return {each: await api_versions(cluster, each) for each in asked}

    spoken = target.ask(facts)
    rows = [
        row
        for each, versions in spoken.items()
        for row in (_differences(each, versions, reference) if reference else _all(each, versions))
    ]
    _answer(rows, with_reference=reference is not None).print_as(output)
    if reference and rows:
        raise Failure(f"{len(rows)} differences from {reference}", Exit.NOT_MET)


def _all(broker_id: int, versions: dict[int, VersionRange]) -> list[Row]:
    names = {key: name for key, (name, _) in read_reference(KAFKA).items()}
    return [
        Row(broker_id, key, names.get(key, f"API {key}"), here)
        for key, here in sorted(versions.items())
    ]


def _differences(broker_id: int, versions: dict[int, VersionRange], reference: str) -> list[Row]:
    expected = read_reference(reference)
    rows = []
    for key in sorted(versions.keys() | expected.keys()):
        name, there = expected.get(key, (f"API {key}", None))
        here = versions.get(key)
        if here != there:
            rows.append(Row(broker_id, key, name, here, there))
    return rows


def read_reference(name: str) -> dict[int, tuple[str, VersionRange]]:
    """Name and versions of each API, by its key: the lines of a table with a heading."""
    _, *lines = (files("cli") / "reference" / f"{name}.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    return {
        int(key): (api, VersionRange(int(lowest), int(highest)))
        for key, api, lowest, highest in rows
    }


def _answer(rows: list[Row], *, with_reference: bool) -> Answer:
    columns = ["BROKER", "API", "KEY", "VERSIONS"]
    cells: list[tuple[object, ...]] = [
        (each.broker_id, each.name, each.key, each.here) for each in rows
    ]
    if with_reference:
        columns.append("REFERENCE")
        cells = [(*row, each.reference) for row, each in zip(cells, rows, strict=True)]
    return Answer(
        facts={
            "apis": [
                {
                    "broker": each.broker_id,
                    "name": each.name,
                    "key": each.key,
                    "versions": _range_facts(each.here),
                    **({"reference": _range_facts(each.reference)} if with_reference else {}),
                }
                for each in rows
            ]
        },
        text=[Table(columns, cells)] if rows or not with_reference else [],
        names=[each.name for each in rows],
    )


def _range_facts(versions: VersionRange | None) -> dict[str, int] | None:
    if versions is None:
        return None
    return {"lowest": versions.lowest, "highest": versions.highest}
