"""Which error codes an answer has: its own, and those of its topics, partitions, groups.

Where a message has them is worked out once, from its table of fields; what comes of it are
functions, one in the other like the lists that lead there. NONE is counted like any other code, as
in Kafka: so the share of errors can be told. Not looked into is an answer that is kept as bytes:
Metadata of many topics.

Source: AbstractResponse.errorCounts, kafka.network.RequestMetrics (ErrorsPerSec).
"""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from broker.wire.framing import EncodedResponse
from broker.wire.schema import fields_of

_CODES: Final = frozenset({"error_code", "partition_error_code"})

# Adds the codes of a struct to the counts.
Counting = Callable[[Any, Counter[int]], None]


def count_errors(answer: object, counts: Counter[int]) -> None:
    """Adds those of an answer to `counts`; None is no answer."""
    if answer is None or isinstance(answer, EncodedResponse):
        return
    message: type = type(answer)
    for count in _counting(message):
        count(answer, counts)


@cache
def _counting(struct: type) -> tuple[Counting, ...]:
    """One for each field that is a code, or a list with some inside."""
    counting = []
    for field in fields_of(struct):
        element = field.type.element
        if field.name in _CODES:
            counting.append(_of_code(field.name))
        elif element is not None and element.struct is not None:
            inside = _counting(element.struct)
            counting += [_of_each(field.name, count) for count in inside]
    return tuple(counting)


def _of_code(name: str) -> Counting:
    def count(struct: Any, counts: Counter[int]) -> None:
        counts[getattr(struct, name)] += 1

    return count


def _of_each(name: str, inside: Counting) -> Counting:
    def count(struct: Any, counts: Counter[int]) -> None:
        for each in getattr(struct, name) or ():  # a list may be null
            inside(each, counts)

    return count
