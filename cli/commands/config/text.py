"""Settings and quotas as text, as kafka-configs.sh --describe prints them, and as JSON."""

from collections.abc import Mapping, Sequence

import attrs

from cli.client.client_quotas import CLIENT_ID, IP, USER, QuotaEntity
from cli.client.configs import ALL_BROKERS, ConfigEntry, Resource
from cli.commands.output import Answer, Table

# How kafka-configs.sh calls what has quotas.
_QUOTA_WORDS = {USER: "user-principal", CLIENT_ID: "client-id", IP: "ip"}

WIDE_COLUMNS = ("ENTITY", "NAME", "VALUE", "SOURCE", "READ-ONLY", "SENSITIVE")


@attrs.frozen
class Described:
    """What was found: settings by resource, quotas by entity."""

    configs: Mapping[Resource, Sequence[ConfigEntry]] = attrs.field(factory=dict)
    quotas: Mapping[QuotaEntity, Mapping[str, float]] = attrs.field(factory=dict)


def described_answer(found: Described, show_all: bool) -> Answer:
    """What `config describe` prints; `show_all` as it was asked."""
    lines: list[str] = []
    for resource, entries in found.configs.items():
        lines.append(_heading(resource, show_all))
        lines += map(_entry_line, entries)
    lines += [_quota_line(entity, values) for entity, values in found.quotas.items()]
    settings = [(resource, each) for resource, all_ in found.configs.items() for each in all_]
    quotas = [
        (str(entity), *each) for entity, all_ in found.quotas.items() for each in all_.items()
    ]
    rows: list[tuple[object, ...]] = [
        (resource, each.name, each.value, each.source.name, each.is_read_only, each.is_sensitive)
        for resource, each in settings
    ]
    rows += [(entity, key, value, None, None, None) for entity, key, value in quotas]
    return Answer(
        facts={
            "resources": [
                {
                    "type": resource.kind.name.lower(),
                    "name": resource.name or None,
                    "configs": [_entry_facts(each) for each in entries],
                }
                for resource, entries in found.configs.items()
            ],
            "quotas": _quota_facts(found),
        },
        text=lines,
        wide=[Table(WIDE_COLUMNS, rows)],
        names=[row[1] for row in rows],
    )


def quotas_answer(found: Described) -> Answer:
    """What `quota describe` prints, of what was found of quotas."""
    rows = [(str(entity), *each) for entity, all_ in found.quotas.items() for each in all_.items()]
    return Answer(
        facts={"quotas": _quota_facts(found)},
        text=[_quota_line(entity, values) for entity, values in found.quotas.items()],
        wide=[Table(WIDE_COLUMNS[:3], rows)],
        names=[str(entity) for entity in found.quotas],
    )


def _quota_facts(found: Described) -> list[dict[str, object]]:
    return [
        {
            "entity": [{"type": kind, "name": name} for kind, name in entity.names],
            "configs": dict(values),
        }
        for entity, values in found.quotas.items()
    ]


def _heading(resource: Resource, show_all: bool) -> str:
    if resource == ALL_BROKERS:
        return "Default configs for brokers in the cluster are:"
    kind = resource.kind.name.lower().replace("_", "-")
    return f"{'All' if show_all else 'Dynamic'} configs for {kind} {resource.name} are:"


def _entry_line(entry: ConfigEntry) -> str:
    """As Kafka's tool, which is a Java program: no value is "null"."""
    synonyms = ", ".join(
        f"{each.source.name}:{each.name}={_java(each.value)}" for each in entry.synonyms
    )
    sensitive = str(entry.is_sensitive).lower()
    return f"  {entry.name}={_java(entry.value)} sensitive={sensitive} synonyms={{{synonyms}}}"


def _java(value: str | None) -> str:
    return "null" if value is None else value


def _quota_line(entity: QuotaEntity, values: Mapping[str, float]) -> str:
    names = ", ".join(
        f"the default {_QUOTA_WORDS[kind]}" if name is None else f"{_QUOTA_WORDS[kind]} '{name}'"
        for kind, name in entity.names
    )
    return f"Quota configs for {names} are " + ", ".join(
        f"{key}={value}" for key, value in values.items()
    )


def _entry_facts(entry: ConfigEntry) -> dict[str, object]:
    return {
        "name": entry.name,
        "value": entry.value,
        "source": entry.source.name,
        "read_only": entry.is_read_only,
        "sensitive": entry.is_sensitive,
        "synonyms": [
            {"name": each.name, "value": each.value, "source": each.source.name}
            for each in entry.synonyms
        ],
    }
