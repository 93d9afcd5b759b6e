"""`--until EXPR`: what has to be so, said of a command's JSON.

    under_replicated_partition_count == 0
    groups.state == Stable
    topics.partitions.under_replicated == false
    count(brokers) >= 3 and controller != null

    EXPR        COMPARISON { and COMPARISON }
    COMPARISON  PATH OP VALUE  |  count(PATH) OP VALUE
    PATH        names with dots between; an array on the way means each of its elements
    OP          ==  !=  <  <=  >  >=
    VALUE       as in JSON; quotes around a word may be left out

A comparison holds if there is something at the path, and it holds for all that is there. Only `==`
and `!=` compare what is no number. What is waited for is nearly always "all of them" or "so many",
and has no brackets or quotes that a shell would take away: hence this and not JMESPath.
"""

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import click

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_COMPARISON: Final = re.compile(
    r"(?:(?P<count>count)\()?(?P<path>[a-z_][\w.-]*)(?(count)\))\s*"
    r"(?P<operator>==|!=|<=|>=|<|>)\s*(?P<value>.+)"
)
_AND: Final = re.compile(r"\s+and(?:\s+|$)")


@attrs.frozen
class Comparison:
    """One of the conditions."""

    text: str
    path: tuple[str, ...]
    is_count: bool
    operator: str
    value: object

    def of(self, facts: Mapping[str, Any]) -> list[Any]:
        """What is compared: all that is found at the path, or how much it is."""
        found = _at(facts, self.path)
        return [len(found)] if self.is_count else found

    def holds(self, facts: Mapping[str, Any]) -> bool:
        found = self.of(facts)
        return bool(found) and all(self._compare(each) for each in found)

    def _compare(self, found: object) -> bool:
        ordered = self.operator in ("==", "!=") or (_is_number(found) and _is_number(self.value))
        return ordered and _OPERATORS[self.operator](found, self.value)


@attrs.frozen
class Condition:
    """All of the comparisons."""

    comparisons: tuple[Comparison, ...]

    def holds(self, facts: Mapping[str, Any]) -> bool:
        return all(each.holds(facts) for each in self.comparisons)

    def unmet(self, facts: Mapping[str, Any]) -> str:
        """The first that does not hold, and what there is."""
        each = next(each for each in self.comparisons if not each.holds(facts))
        found = each.of(facts)
        if not found:
            return f"{each.text}: there is no {'.'.join(each.path)}"
        unlike = sorted({json.dumps(one) for one in found if not each._compare(one)})
        return f"{each.text}: it is {', '.join(unlike[:3])}{' ..' if len(unlike) > 3 else ''}"


class Until(click.ParamType[Condition]):
    """The option's type."""

    name = "expr"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Condition:
        if isinstance(value, Condition):
            return value
        comparisons = []
        for text in _AND.split(str(value).strip()):
            match = _COMPARISON.fullmatch(text)
            if match is None:
                self.fail(f"{text!r} is not PATH OP VALUE, as in 'count(brokers) >= 3'", param, ctx)
            path = tuple(match["path"].split("."))
            is_count = match["count"] is not None
            comparison = Comparison(text, path, is_count, match["operator"], _value(match["value"]))
            comparisons.append(comparison)
        return Condition(tuple(comparisons))


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip("'\"")


def _at(value: Any, path: tuple[str, ...]) -> list[Any]:
    if isinstance(value, list | tuple):
        return [found for each in value for found in _at(each, path)]
    if not path:
        return [value]
    if isinstance(value, Mapping) and path[0] in value:
        return _at(value[path[0]], path[1:])
    return []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
