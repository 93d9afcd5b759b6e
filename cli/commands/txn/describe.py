"""`zbroker-admin txn describe`."""

import time

import click

from cli.client import Cluster
from cli.client.transactions import TransactionDescription, describe_transaction
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table

COLUMNS = (
    "CoordinatorId",
    "TransactionalId",
    "ProducerId",
    "ProducerEpoch",
    "TransactionState",
    "TransactionTimeoutMs",
    "CurrentTransactionStartTimeMs",
    "TransactionDurationMs",
    "TopicPartitions",
)
NONE = "None"  # what Kafka's tool prints where no transaction is open


@click.command("describe")
@click.argument("names", nargs=-1, metavar="[TRANSACTIONAL-ID]..")
@click.option(
    "--transactional-id", "more_names", multiple=True, metavar="ID", help="As in Kafka's tool."
)
@output_option(repeats=True)
@cluster_options
def command(
    target: Target, names: tuple[str, ...], more_names: tuple[str, ...], output: str
) -> None:
    """Print what the coordinator knows of a transactional id.

    \b
    Example: zbroker-admin txn describe payments-1
    """
    wanted = list(dict.fromkeys([*names, *more_names]))
    if not wanted:
        raise click.UsageError("give the TRANSACTIONAL-IDs to describe")

    async def facts(cluster: Cluster) -> dict[str, TransactionDescription | None]:
        return {each: await describe_transaction(cluster, each) for each in wanted}

    answers = target.ask(facts)
    found = [each for each in answers.values() if each is not None]
    now_ms = round(time.time() * 1000)
    Answer(
        facts={"transactions": [_facts(each) for each in found]},
        text=[Table(COLUMNS, [_row(each, now_ms) for each in found])] if found else [],
        names=[each.transactional_id for each in found],
    ).print_as(output)
    missing = [name for name, answer in answers.items() if answer is None]
    fail_for([f"no transactional id {name!r}" for name in missing], any_done=bool(found))


def _row(each: TransactionDescription, now_ms: int) -> tuple[object, ...]:
    begun = each.start_time_ms
    return (
        each.coordinator_id,
        each.transactional_id,
        each.producer_id,
        each.producer_epoch,
        each.state,
        each.timeout_ms,
        NONE if begun is None else begun,
        NONE if begun is None else now_ms - begun,
        ",".join(map(str, each.partitions)),
    )


def _facts(each: TransactionDescription) -> dict[str, object]:
    return {
        "transactional_id": each.transactional_id,
        "coordinator": each.coordinator_id,
        "producer_id": each.producer_id,
        "producer_epoch": each.producer_epoch,
        "state": each.state,
        "timeout_ms": each.timeout_ms,
        "start_time_ms": each.start_time_ms,
        "partitions": [
            {"topic": partition.topic, "partition": partition.partition}
            for partition in each.partitions
        ],
    }
