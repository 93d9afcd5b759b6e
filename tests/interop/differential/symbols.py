"""Names that a broker makes up itself, and what stands for them in requests and answers.

A topic's id, a member's id, a producer's id, a port: each of the two brokers has its own. A request
is made once for both with symbols in it, `on(names)` puts one broker's values in their place, and
in its answer `Names.symbol` puts the symbols back. So that both are asked the same, and compare.
"""

from collections.abc import Callable, Hashable
from typing import Any, Protocol

import attrs

# What stands in a request for a symbol that a broker has not given a value: that is no mistake, for
# a request may name a member of a group which nobody has joined yet.
UNKNOWN = {"member": "nobody", "producer": 424_242, "epoch": 0, "generation": 1, "session": 99}


class OfABroker(Protocol):
    """What must be asked of each broker in its own words."""

    def on(self, names: "Names") -> Any: ...


@attrs.frozen
class Symbol:
    """`Symbol("member", "living")`: the member that joined the group `living` last."""

    kind: str
    name: str

    def on(self, names: "Names") -> Any:
        return names.value(self)

    def __str__(self) -> str:
        return f"<{self.kind} {self.name}>"


@attrs.define
class Names:
    """One broker's values of the symbols."""

    _values: dict[Symbol, Any] = attrs.field(factory=dict)
    _symbols: dict[tuple[str, Hashable], Symbol] = attrs.field(factory=dict)

    def learn(self, symbol: Symbol, value: Any) -> None:
        """Remember a value; a symbol may get a new one, and the old one keeps its symbol."""
        self._values[symbol] = value
        self._symbols[symbol.kind, value] = symbol

    def forget(self, name: str) -> None:
        """The symbols of this name stand for nothing, until they are learnt again."""
        self._values = {s: value for s, value in self._values.items() if s.name != name}

    def value(self, symbol: Symbol) -> Any:
        if symbol in self._values:
            return self._values[symbol]
        return UNKNOWN[symbol.kind]

    def symbol(self, kind: str, value: Any) -> Any:
        """What stands for a value of that kind in an answer; the value, if it was never learnt."""
        return self._symbols.get((kind, value), value)


def in_words_of(names: Names, message: Any) -> Any:
    """The message, or part of one, with this broker's values in the place of symbols."""
    return _changed(message, lambda part: part.on(names) if hasattr(part, "on") else part)


# Kinds of which each story has one of its own.
OWN = {"group", "member", "generation", "transactional id", "producer", "epoch", "session"}


def about(name: str, message: Any) -> Any:
    """The message with the symbols of this name in the place of others of their kinds."""

    def renamed(part: Any) -> Any:
        is_own = isinstance(part, Symbol) and part.kind in OWN and part.name != "fresh"
        return attrs.evolve(part, name=name) if is_own else part

    return _changed(message, renamed)


def _changed(message: Any, change: Callable[[Any], Any]) -> Any:
    """A copy in which each part that `change` has another value for is that."""
    changed = change(message)
    if changed is not message:
        return changed
    if isinstance(message, list):
        return [_changed(item, change) for item in message]
    if attrs.has(type(message)):
        return type(message)(
            **{
                field.name: _changed(getattr(message, field.name), change)
                for field in attrs.fields(type(message))
            }
        )
    return message
