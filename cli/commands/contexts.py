"""Clusters by name, so that nobody types addresses: `--context prod`, `context use prod`.

    ~/.config/zbroker/contexts.toml         (or below XDG_CONFIG_HOME), written by its user

        [prod]
        bootstrap-server = "b1:9092,b2:9092"
        zookeeper = "z1:2181,z2:2181/kafka"      # for zk, controller
        command-config = "prod.properties"       # beside this file, or an absolute path

    ~/.config/zbroker/context               the name in use, written by `context use`

Which cluster a command is about, the first of these that there is: `-b` (`--zookeeper`),
`--context`, ZBROKER_BOOTSTRAP, the context in use, the default.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Final

import attrs
import click

from cli.commands.failure import Failure

_BOOTSTRAP: Final = "bootstrap-server"
_ZOOKEEPER: Final = "zookeeper"
_COMMAND_CONFIG: Final = "command-config"


@attrs.frozen
class Context:
    """A cluster; None for what the file doesn't say."""

    name: str
    bootstrap_server: str | None
    zookeeper: str | None
    command_config: Path | None


def contexts_file() -> Path:
    """Where the contexts stand."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "zbroker" / "contexts.toml"


def _in_use_file() -> Path:
    return contexts_file().with_name("context")


def read_contexts() -> dict[str, Context]:
    """All of them by name, in the file's order; none if there is no file."""
    file = contexts_file()
    try:
        tables = tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Failure(f"{file}: {error}") from None
    return {name: _context(file, name, table) for name, table in tables.items()}


def _context(file: Path, name: str, table: Any) -> Context:
    known = (_BOOTSTRAP, _ZOOKEEPER, _COMMAND_CONFIG)
    if not isinstance(table, dict):
        raise Failure(f"{file}: {name} is no table: begin with [NAME]")
    for key, value in table.items():
        if key not in known or not isinstance(value, str):
            raise Failure(f"{file}: [{name}]: {key}: there is {', '.join(known)}, each a string")
    config = table.get(_COMMAND_CONFIG)
    return Context(
        name,
        table.get(_BOOTSTRAP),
        table.get(_ZOOKEEPER),
        None if config is None else file.parent / config,
    )


def named_context(name: str) -> Context:
    """The context of this name."""
    contexts = read_contexts()
    if name not in contexts:
        there_is = ", ".join(contexts) or "none"
        raise Failure(f"no context {name!r} in {contexts_file()}: there is {there_is}")
    return contexts[name]


def context_in_use() -> Context | None:
    """The one that `context use` has chosen; None if none is."""
    try:
        name = _in_use_file().read_text().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}") from None
    return named_context(name) if name else None


def use_context(name: str | None) -> None:
    """From now on it is this one, or none."""
    file = _in_use_file()
    try:
        if name is None:
            file.unlink(missing_ok=True)
            return
        named_context(name)
        aside = file.with_name("context.new")
        aside.write_text(f"{name}\n")
        aside.replace(file)
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}") from None


def complete_contexts(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """What a shell asks at a TAB; nothing if the file can't be read."""
    try:
        return [name for name in read_contexts() if name.startswith(incomplete)]
    except Failure:
        return []
