"""Reads a golden script, runs its commands, and compares or rewrites their output."""

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import attrs


@attrs.frozen
class Command:
    """`name` and its words: those with `=` as `options`, the others as `words`."""

    name: str
    words: tuple[str, ...]
    options: dict[str, str]
    line: str

    @classmethod
    def parse(cls, line: str) -> "Command":
        name, *rest = shlex.split(line)
        options = dict(word.split("=", 1) for word in rest if "=" in word)
        return cls(name, tuple(word for word in rest if "=" not in word), options, line)


def check_golden(path: Path, run: Callable[[Command], list[str]]) -> None:
    """Run the script at `path`; fail with both texts if the outputs are not those in it."""
    before = path.read_text()
    after = "\n\n".join(_run_block(block, run) for block in before.strip().split("\n\n")) + "\n"
    if os.environ.get("GOLDEN_UPDATE"):
        path.write_text(after)
        return
    assert after == before, f"{path.name} tells another story now (GOLDEN_UPDATE=1 writes it anew)"


def commands_of(text: str) -> list[Command]:
    """Of a whole script or of one block, in their order."""
    scripts = (_script_of(block) for block in text.strip().split("\n\n"))
    return [
        Command.parse(line)
        for script in scripts
        for line in script
        if line and not line.startswith("#")
    ]


def _script_of(block: str) -> list[str]:
    return block.split("\n---")[0].splitlines()


def _run_block(block: str, run: Callable[[Command], list[str]]) -> str:
    script = _script_of(block)
    output: list[str] = []
    for command in commands_of(block):
        output += run(command)
    if all(line.startswith("#") for line in script):
        return "\n".join(script)
    return "\n".join([*script, "---", *(output or ["(nothing)"])])
