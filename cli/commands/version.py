"""`zbroker-admin version`: which this is, and which Kafka it is compatible with."""

from importlib.metadata import version as version_of

import click


@click.command("version")
def version() -> None:
    """Print the version of zbroker.

    \b
    Example: zbroker-admin version
    """
    click.echo(f"zbroker {version_of('zbroker')}, as Apache Kafka 3.9 in ZooKeeper mode")
