"""Which error codes an answer has: its own, and those of its topics, partitions, groups.

Where a message has them is worked out once, from its table of fields: each is at the end of a path
of lists. NONE is counted like any other code, as in Kafka: so the share of errors can be told. Not
looked into is an answer that is kept as bytes: Metadata of many topics.

Source: AbstractResponse.errorCounts, kafka.network.RequestMetrics (ErrorsPerSec).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final

from broker.wire.framing import EncodedResponse
from broker.wire.schema import NO_VERSIONS, WireField, fields_of

_CODES: Final = frozenset({"error_code", "partition_error_code"})

Getter = Callable[[Any], Any]


def count_errors(answer: object, counts: Counter[int]) -> None:
    """Adds those of an answer to `counts`; None is no answer."""
    if answer is None or isinstance(answer, EncodedResponse):
        return
    message: type = type(answer)
    for lists, code_of in _paths(message):
        structs: Iterable[Any] = (answer,)
        for elements_of in lists:
            structs = chain.from_iterable(map(elements_of, structs))
        for code in map(code_of, structs):
            counts[code] += 1


@cache
def _paths(struct: type) -> tuple[tuple[tuple[Getter, ...], Getter], ...]:
    return tuple(_all_paths(struct))


def _all_paths(struct: type) -> Iterator[tuple[tuple[Getter, ...], Getter]]:
    for field in fields_of(struct):
        element = field.type.element
        if field.name in _CODES:
            yield (), attrgetter(field.name)
        elif element is not None and element.struct is not None:
            for lists, code_of in _all_paths(element.struct):
                yield (_elements_of(field), *lists), code_of


def _elements_of(field: WireField) -> Getter:
    get: Getter = attrgetter(field.name)
    return get if field.nullable == NO_VERSIONS else lambda struct: get(struct) or ()
