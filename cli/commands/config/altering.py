"""Settings and quotas of one entity, set and deleted: all of them or none.

`zbroker-admin config alter` and `zbroker-admin quota alter` are this. A name that is deleted must
be set: one that was mistyped is an error, as in Kafka's tool, and not a change of nothing.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.client import Cluster
from cli.client.client_quotas import QuotaEntity, alter_quotas, describe_quotas
from cli.client.configs import (
    ALL_BROKERS,
    Change,
    Operation,
    Resource,
    ResourceType,
    Source,
    alter_configs,
    describe_configs,
)
from cli.client.outcome import Outcome
from cli.commands.config.changes import parse_added, parse_deleted, read_added
from cli.commands.config.entity import Entity
from cli.commands.options import PROPERTIES_FILE, Failure, Target
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer

Command = TypeVar("Command", bound=Callable[..., Any])

# From where a setting comes that can be deleted here.
_OWN = {
    Source.DYNAMIC_TOPIC_CONFIG,
    Source.DYNAMIC_BROKER_CONFIG,
    Source.DYNAMIC_DEFAULT_BROKER_CONFIG,
    Source.DYNAMIC_BROKER_LOGGER_CONFIG,
}


_OPTIONS = [
    click.option(
        "--add-config",
        "added",
        multiple=True,
        metavar="K=V,..",
        help="Set these; a list is K=[a,b].",
    ),
    click.option(
        "--add-config-file",
        "file",
        type=PROPERTIES_FILE,
        metavar="FILE",
        help="Set what stands there.",
    ),
    click.option("--delete-config", "deleted", multiple=True, metavar="K,..", help="Unset these."),
]


def change_options(command: Command) -> Command:
    """Add what is to be set and deleted: `added`, `file` and `deleted`, for `alter_entity`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def alter_entity(
    target: Target,
    entity: Entity,
    *,
    added: tuple[str, ...],
    file: Path | None,
    deleted: tuple[str, ...],
    output: str,
) -> None:
    """Do it, print what was done, and fail for what was not."""
    if added and file:
        raise click.UsageError("--add-config-file excludes --add-config")
    to_set = read_added(file) if file else parse_added(added)
    to_delete = parse_deleted(deleted)
    if not to_set and not to_delete:
        raise click.UsageError("give --add-config, --add-config-file or --delete-config")
    both = sorted(set(to_set) & set(to_delete))
    if both:
        raise click.UsageError(f"both set and deleted: {', '.join(both)}")
    if isinstance(entity, Resource):
        outcome = _alter_resource(target, entity, to_set, to_delete)
    else:
        outcome = _alter_quotas(target, entity, _quotas(to_set), to_delete)
    Answer(
        facts={
            "entities": [
                {
                    "entity": _entity_facts(entity),
                    "set": to_set,
                    "deleted": to_delete,
                    **error_facts(outcome),
                }
            ]
        },
        text=[_completed(entity)] if outcome.done else [],
        names=[*to_set, *to_delete] if outcome.done else [],
    ).print_as(output)
    fail_for_outcomes([outcome], str)


def _alter_resource(
    target: Target, resource: Resource, to_set: Mapping[str, str], to_delete: list[str]
) -> Outcome[Entity]:
    async def alter(cluster: Cluster) -> Outcome[Entity]:
        if to_delete:
            described = await describe_configs(cluster, [resource])
            _check_deleted(
                to_delete, [e.name for e in described.get(resource, ()) if e.source in _OWN]
            )
        changes = [Change(name, Operation.SET, value) for name, value in to_set.items()]
        changes += [Change(name, Operation.DELETE) for name in to_delete]
        (outcome,) = await alter_configs(cluster, {resource: changes})
        return outcome

    return target.ask(alter)


def _alter_quotas(
    target: Target, entity: QuotaEntity, to_set: Mapping[str, float], to_delete: list[str]
) -> Outcome[Entity]:
    async def alter(cluster: Cluster) -> Outcome[Entity]:
        if to_delete:
            described = await describe_quotas(cluster, entity)
            _check_deleted(to_delete, described.get(entity, {}))
        changes: dict[str, float | None] = {**to_set, **dict.fromkeys(to_delete)}
        return await alter_quotas(cluster, entity, changes)

    return target.ask(alter)


def _check_deleted(to_delete: list[str], present: Mapping[str, object] | list[str]) -> None:
    unset = [name for name in to_delete if name not in present]
    if unset:
        raise Failure(f"not set here: {', '.join(unset)}")


def _quotas(to_set: Mapping[str, str]) -> dict[str, float]:
    quotas = {}
    for key, value in to_set.items():
        try:
            quotas[key] = float(value)
        except ValueError:
            raise click.BadParameter(
                f"{key}={value}: a quota is a number", param_hint="--add-config"
            ) from None
    return quotas


def _completed(entity: Entity) -> str:
    """The line of kafka-configs.sh, which tells the first name of two."""
    if entity == ALL_BROKERS:
        return "Completed updating default config for brokers in the cluster."
    if isinstance(entity, Resource):
        kind = entity.kind.name.lower().replace("_", "-")
        return f"Completed updating config for {kind} {entity.name}."
    kind, name = entity.names[0]
    word = kind.removesuffix("-id")
    if name is None:
        return f"Completed updating default config for {word}s in the cluster."
    return f"Completed updating config for {word} {name}."


def _entity_facts(entity: Entity) -> list[dict[str, object]]:
    if isinstance(entity, Resource):
        return [{"type": ResourceType(entity.kind).name.lower(), "name": entity.name or None}]
    return [{"type": kind, "name": name} for kind, name in entity.names]
