r"""Prometheus' text format, version 0.0.4: families of metrics, each with its samples.

    # HELP kafka_log_log_size How many bytes the log has.
    # TYPE kafka_log_log_size gauge
    kafka_log_log_size{topic="t",partition="0"} 1048576
    └ name            └ labels                  └ value

A family stands together, under one name and one type; of a summary the count and the sum have a
suffix. In a label's value `\`, `"` and the end of a line are escaped, in a meaning `\` and the end
of a line.

A family's samples may come from an iterator: a number is then looked up when its line is written.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

import attrs
import trio

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# A millisecond of work, after which others have their turn.
LINES_AT_ONCE: Final = 250

NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})


class Labels(str):
    """Labels as they're written, made once for all families that have them."""

    __slots__ = ()

    @staticmethod
    def of(labels: Mapping[str, str]) -> "Labels":
        written = (
            f'{label}="{_escaped(text).replace(chr(34), chr(92) + chr(34))}"'
            for label, text in labels.items()
        )
        return Labels(f"{{{','.join(written)}}}" if labels else "")


class MetricType(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"
    SUMMARY = "summary"
    UNTYPED = "untyped"


@attrs.frozen
class Sample:
    """One number; `suffix` is "", or "_count" or "_sum" of a summary."""

    value: float
    labels: Mapping[str, str] | Labels = NO_LABELS
    suffix: str = ""


@attrs.frozen
class Family:
    """A metric: its name, what it means (one line), and its numbers as they are now."""

    name: str
    type: MetricType
    meaning: str
    samples: Iterable[Sample]


async def text_of(families: Iterable[Family]) -> bytes:
    """The whole text; makes way for others on the way."""
    chunks: list[bytes] = []
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {_escaped(family.meaning)}")
        lines.append(f"# TYPE {family.name} {family.type.value}")
        for sample in family.samples:
            lines.append(_line(family.name, sample))
            if len(lines) >= LINES_AT_ONCE:
                chunks.append(_joined(lines))
                lines.clear()
                await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()  # the next one may have to be worked out
    return b"".join([*chunks, _joined(lines)])


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _line(name: str, sample: Sample) -> str:
    labels = sample.labels if isinstance(sample.labels, Labels) else Labels.of(sample.labels)
    return f"{name}{sample.suffix}{labels} {_number(sample.value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else str(value)
