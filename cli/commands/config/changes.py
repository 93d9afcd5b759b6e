"""What to change, as kafka-configs.sh takes it.

--add-config retention.ms=1000,cleanup.policy=[compact,delete]
--add-config-file FILE          properties
--delete-config retention.ms,segment.bytes
"""

import re
from collections.abc import Iterable
from pathlib import Path

import click

from broker.config.java_properties import PropertiesSyntaxError, parse_properties

# A comma between settings, not one within the brackets of a list.
_COMMA = re.compile(r",(?=[^\]]*(?:\[|$))")
_KEY = re.compile(r"[a-zA-Z0-9._-]+")


def parse_added(texts: Iterable[str]) -> dict[str, str]:
    """`key=value,key=[a,b]` -> values, a list without its brackets; a value may be empty."""
    added = {}
    for setting in (each for text in texts for each in _COMMA.split(text)):
        key, equals, value = setting.partition("=")
        if not equals:
            raise click.BadParameter(
                f"{setting!r} is not KEY=VALUE (a list is written KEY=[a,b])",
                param_hint="--add-config",
            )
        added[_key(key, "--add-config")] = value.replace("[", "").replace("]", "").strip()
    return added


def read_added(file: Path) -> dict[str, str]:
    """The settings of a properties file."""
    try:
        return {
            _key(key, "--add-config-file"): value
            for key, value in parse_properties(file.read_bytes()).items()
        }
    except (OSError, PropertiesSyntaxError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--add-config-file") from None


def parse_deleted(texts: Iterable[str]) -> list[str]:
    """`key,key` -> names."""
    return [_key(key, "--delete-config") for text in texts for key in text.split(",")]


def _key(text: str, option: str) -> str:
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise click.BadParameter(f"{text!r} is not the name of a setting", param_hint=option)
    return key
