"""Whose configuration: the short options of kafka-configs.sh (KIP-543).

    --topic T   --broker ID   --broker-defaults   --broker-logger ID
    --user U   --user-defaults   --client C   --client-defaults   --ip I   --ip-defaults

One of them, or a user with a client: what that client may use when it comes as that user. The
second line has quotas, and is all that `zbroker-admin quota` knows.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from cli.client.client_quotas import CLIENT_ID, IP, USER, QuotaEntity
from cli.client.configs import ALL_BROKERS, Resource, ResourceType
from cli.commands.completing import complete_brokers, complete_topics

Command = TypeVar("Command", bound=Callable[..., Any])

Entity = Resource | QuotaEntity

_ID = click.IntRange(min=0)

_RESOURCE_OPTIONS = [
    click.option("--topic", metavar="TOPIC", shell_complete=complete_topics),
    click.option("--broker", type=_ID, metavar="ID", shell_complete=complete_brokers),
    click.option("--broker-defaults", is_flag=True, help="What all brokers have in common."),
    click.option("--broker-logger", type=_ID, metavar="ID", shell_complete=complete_brokers),
]
_QUOTA_OPTIONS = [
    click.option("--user", metavar="USER"),
    click.option("--user-defaults", is_flag=True, help="Users without quotas of their own."),
    click.option("--client", metavar="CLIENT-ID"),
    click.option("--client-defaults", is_flag=True, help="Clients without quotas of their own."),
    click.option("--ip", metavar="ADDRESS"),
    click.option("--ip-defaults", is_flag=True, help="Addresses without a quota of their own."),
]


def entity_options(command: Command) -> Command:
    """Add the options; the command gets them as one `entity`, None if there is none."""

    @functools.wraps(command)
    def with_entity(
        *args: Any,
        topic: str | None,
        broker: int | None,
        broker_defaults: bool,
        broker_logger: int | None,
        **kwargs: Any,
    ) -> Any:
        found: list[Entity] = []
        if topic is not None:
            found.append(Resource(ResourceType.TOPIC, topic))
        if broker is not None:
            found.append(Resource(ResourceType.BROKER, str(broker)))
        if broker_defaults:
            found.append(ALL_BROKERS)
        if broker_logger is not None:
            found.append(Resource(ResourceType.BROKER_LOGGER, str(broker_logger)))
        found += _popped_quota_entities(kwargs)
        return command(*args, entity=_only_one(found), **kwargs)

    for option in reversed(_RESOURCE_OPTIONS + _QUOTA_OPTIONS):
        with_entity = option(with_entity)
    return with_entity  # type: ignore[return-value]


def quota_entity_options(command: Command) -> Command:
    """The same of what has quotas alone; `entity` is a `QuotaEntity`."""

    @functools.wraps(command)
    def with_entity(*args: Any, **kwargs: Any) -> Any:
        entity = _only_one(_popped_quota_entities(kwargs))
        return command(*args, entity=entity, **kwargs)

    for option in reversed(_QUOTA_OPTIONS):
        with_entity = option(with_entity)
    return with_entity  # type: ignore[return-value]


def _only_one(found: Sequence[Entity]) -> Entity | None:
    if len(found) > 1:
        raise click.UsageError("give one entity only, or a user with a client")
    return found[0] if found else None


def _popped_quota_entities(kwargs: dict[str, Any]) -> list[QuotaEntity]:
    """Of a command's arguments, which are its own no more."""
    return _quota_entities(
        {
            kind: (kwargs.pop(option), kwargs.pop(f"{option}_defaults"))
            for kind, option in ((USER, "user"), (CLIENT_ID, "client"), (IP, "ip"))
        }
    )


def _quota_entities(given: dict[str, tuple[str | None, bool]]) -> list[QuotaEntity]:
    """The entity of `kind -> (name, whether the default is meant)`; several if they don't fit."""
    for name, is_default in given.values():
        if name is not None and is_default:
            raise click.UsageError("give a name, or the default")
    names = [
        (kind, name) for kind, (name, is_default) in given.items() if name is not None or is_default
    ]
    if [kind for kind, _ in names] == [USER, CLIENT_ID]:
        return [QuotaEntity(tuple(names))]
    return [QuotaEntity((each,)) for each in names]
