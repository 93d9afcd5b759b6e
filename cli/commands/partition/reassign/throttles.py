"""Throttles taken away when nothing is moved any more: of all live brokers, and the plan's topics.

All brokers, for nobody wrote down which of them were held back.
"""

from collections.abc import Sequence

import click

from cli.client import Cluster
from cli.client.configs import Resource
from cli.client.outcome import Outcome
from cli.client.replication_throttles import clear_throttles
from cli.commands.options import Command
from cli.commands.partition.reassign.plan import Plan


def preserve_throttles_option(command: Command) -> Command:
    """Add `--preserve-throttles`."""
    return click.option(
        "--preserve-throttles", is_flag=True, help="Leave throttles of brokers and topics alone."
    )(command)


async def clear_all(cluster: Cluster, plan: Plan) -> tuple[list[str], Sequence[Outcome[Resource]]]:
    """What is said of it, and what came of it."""
    brokers = sorted(await cluster.brokers())
    said = [
        f"Clearing broker-level throttles on broker{_s(brokers)} {','.join(map(str, brokers))}",
        f"Clearing topic-level throttles on topic{_s(plan.topics)} {','.join(plan.topics)}",
    ]
    return said, await clear_throttles(cluster, brokers, plan.topics)


def _s(things: Sequence[object]) -> str:
    return "" if len(things) == 1 else "s"
