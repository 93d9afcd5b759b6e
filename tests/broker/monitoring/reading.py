"""A strict reader of Prometheus' text format: what it doesn't allow fails the test.

Held: names and labels are well formed; each family has one HELP and one TYPE, before its samples,
which stand together; a sample belongs to its family; no two samples have the same name and labels;
a counter's name ends with _total, is finite and not negative. Besides, the conventions that
promtool asks for: a meaning for each, no _total on what is no counter, labels in snake case, no
name that a histogram's or a summary's numbers have, but for what has no type.
"""

import math
import re
from collections.abc import Mapping
from typing import Final

import attrs

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_SAMPLE: Final = re.compile(r"([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)")
_LABEL: Final = re.compile(r'([a-z_][a-z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)')
_ESCAPED: Final = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_SUFFIXES: Final = {"summary": ("", "_sum", "_count")}

Labels = frozenset[tuple[str, str]]


@attrs.define
class Read:
    """One family."""

    type: str
    meaning: str
    samples: dict[tuple[str, Labels], float] = attrs.field(factory=dict)


def read(text: bytes) -> dict[str, Read]:
    """Each family by its name."""
    lines = text.decode().split("\n")
    assert lines.pop() == "", "the text must end with the end of a line"
    families: dict[str, Read] = {}
    meaning: tuple[str, str] | None = None
    name = ""
    for line in lines:
        if line.startswith("# HELP "):
            assert meaning is None, f"a HELP without a TYPE before {line}"
            new, _, words = line.removeprefix("# HELP ").partition(" ")
            meaning = new, words
        elif line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert meaning is not None, f"no HELP before {line}"
            assert meaning[0] == name, f"the HELP of {meaning[0]} before {line}"
            assert meaning[1].endswith("."), f"{name} has no meaning"
            assert _NAME.fullmatch(name), line
            assert name not in families, f"{name} comes twice"
            assert (kind == "counter") == name.endswith("_total"), line
            assert kind == "untyped" or not name.endswith(("_count", "_sum", "_bucket")), line
            families[name] = Read(kind, meaning[1])
            meaning = None
        else:
            assert meaning is None, f"a HELP without a TYPE before {line}"
            _read_sample(line, name, families[name])
    return families


def _read_sample(line: str, name: str, family: Read) -> None:
    match = _SAMPLE.fullmatch(line)
    assert match is not None, f"not a sample: {line}"
    suffixes = _SUFFIXES.get(family.type, ("",))
    assert match[1] in {name + suffix for suffix in suffixes}, f"{line} is not of {name}"
    labels = _labels(match[2] or "", line)
    key = match[1], labels
    assert key not in family.samples, f"{line} comes twice"
    value = float(match[3])
    if family.type == "counter":
        assert value >= 0, line
        assert math.isfinite(value), line
    is_quantile = family.type == "summary" and match[1] == name
    assert is_quantile == any(label == "quantile" for label, _ in labels), line
    family.samples[key] = value


def _labels(text: str, line: str) -> Labels:
    labels = {}
    position = 0
    while position < len(text):
        match = _LABEL.match(text, position)
        assert match is not None, f"not labels: {line}"
        assert match[1] not in labels, f"{match[1]} comes twice: {line}"
        labels[match[1]] = re.sub(r"\\.", lambda found: _ESCAPED[found[0]], match[2])
        position = match.end()
    return frozenset(labels.items())


def value(families: Mapping[str, Read], name: str, suffix: str = "", **labels: str) -> float:
    """The one sample of a family with just these labels."""
    return families[name].samples[name + suffix, frozenset(labels.items())]
