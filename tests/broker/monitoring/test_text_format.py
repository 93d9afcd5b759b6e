"""The text format: what is written is what a strict reader reads; and that reader is strict."""

import math
from collections.abc import Iterator

import pytest
import trio

from broker.monitoring.text_format import LINES_AT_ONCE, Family, MetricType, Sample, text_of
from tests.broker.monitoring.reading import read, value


def gauge(*samples: Sample, name: str = "a_gauge", meaning: str = "What it means.") -> Family:
    return Family(name, MetricType.GAUGE, meaning, samples)


async def test_a_family() -> None:
    family = Family("c_total", MetricType.COUNTER, "How many.", [Sample(3, {"a": "x", "b": "y"})])
    assert await text_of([family]) == (
        b"# HELP c_total How many.\n# TYPE c_total counter\n" + b'c_total{a="x",b="y"} 3\n'
    )


@pytest.mark.parametrize(
    "text", ["", "a b", 'say "so"', "back\\slash", "two\nlines", "\\n", "ü{},="]
)
async def test_any_text_may_be_a_labels_value(text: str) -> None:
    families = read(await text_of([gauge(Sample(1, {"label": text}))]))
    assert value(families, "a_gauge", label=text) == 1


async def test_a_meaning_stays_one_line() -> None:
    families = read(await text_of([gauge(meaning="one\nand \\ two.")]))
    assert families["a_gauge"].meaning == "one\\nand \\\\ two."


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, b"0"),
        (-1, b"-1"),
        (2**60, b"1152921504606846976"),
        (0.1, b"0.1"),
        (1e300, b"1e+300"),
        (math.inf, b"+Inf"),
        (-math.inf, b"-Inf"),
        (math.nan, b"NaN"),
    ],
)
async def test_numbers(number: float, written: bytes) -> None:
    text = await text_of([gauge(Sample(number))])
    assert text.splitlines()[-1] == b"a_gauge " + written


async def test_others_have_their_turn_while_many_lines_are_written() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    def many() -> Iterator[Sample]:
        for number in range(10 * LINES_AT_ONCE):
            yield Sample(number, {"number": str(number)})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        text = await text_of([Family("many", MetricType.GAUGE, "Many.", many())])
        nursery.cancel_scope.cancel()
    assert len(read(text)["many"].samples) == 10 * LINES_AT_ONCE
    assert turns >= 8  # one for each chunk but the last, and the first may come before it


@pytest.mark.parametrize(
    "text",
    [
        b"# HELP a A.\n# TYPE a gauge\na 1",
        b"# TYPE a gauge\na 1\n",
        b"# HELP a A.\n# TYPE b gauge\nb 1\n",
        b"# HELP a A.\n# TYPE a gauge\nb 1\n",
        b"# HELP a A.\n# TYPE a gauge\na 1\na 2\n",
        b'# HELP a A.\n# TYPE a gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n',
        b'# HELP a A.\n# TYPE a gauge\na{x="1} 1\n',
        b'# HELP a A.\n# TYPE a gauge\na{xY="1"} 1\n',
        b"# HELP a A.\n# TYPE a counter\na 1\n",
        b"# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n",
        b"# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
        b"# HELP a A.\n# TYPE a summary\na 1\n",
        b"# HELP a A.\n# TYPE a gauge\n# HELP a A.\n# TYPE a gauge\n",
    ],
)
def test_the_reader_refuses(text: bytes) -> None:
    with pytest.raises((AssertionError, KeyError, ValueError)):
        read(text)
