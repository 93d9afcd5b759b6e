"""One configuration value: its type, its text, and what is allowed.

Kafka keeps every configuration as text and gives each name a type, a default and sometimes a
validator; `ConfigDef` parses the text and says what is wrong with it. The same is here:

    Property("num.partitions", INT, "1", at_least(1)).parse("0")
        -> ConfigError: Invalid value 0 for configuration num.partitions: Value must be at least 1

The words are Kafka's, since clients see them (CreateTopics with a bad topic config answers with
this message). `str(allowed)` says in a few words what would have been right.

Source: Kafka's `ConfigDef` (parseType, convertToString).
"""

import enum
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import attrs

from broker.config.allowed import ANYTHING, Allowed, Value

LONG_MAX: Final = 2**63 - 1


class ConfigType(enum.IntEnum):
    """Kafka's types; the numbers are those that DescribeConfigs answers."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


BOOLEAN: Final = ConfigType.BOOLEAN
STRING: Final = ConfigType.STRING
INT: Final = ConfigType.INT
SHORT: Final = ConfigType.SHORT
LONG: Final = ConfigType.LONG
DOUBLE: Final = ConfigType.DOUBLE
LIST: Final = ConfigType.LIST
CLASS: Final = ConfigType.CLASS
PASSWORD: Final = ConfigType.PASSWORD


class ConfigError(ValueError):
    """A value that its name does not allow; the message is Kafka's ConfigException.

    name, value: as written; problem: Kafka's reason; allowed: what would be right ("" if anything
    of the type).
    """

    def __init__(self, name: str, value: str, problem: str, allowed: str) -> None:
        super().__init__(f"Invalid value {value} for configuration {name}: {problem}")
        self.name = name
        self.value = value
        self.problem = problem
        self.allowed = allowed

    @property
    def line(self) -> str:
        """For who wrote the file: key, value, what is wrong with it, and what is allowed."""
        return f"{self.name}={self.value}: {self.problem} (allowed: {self.allowed})"


@attrs.frozen
class Property:
    """A name that Kafka knows, with its default as Kafka prints it (None: none, null)."""

    name: str
    type: ConfigType
    default: str | None
    allowed: Allowed = ANYTHING
    dynamic: bool = False  # may be changed while the broker runs (KIP-226)
    internal: bool = False  # not in the documentation; DescribeConfigs shows it only when it is set

    @property
    def is_sensitive(self) -> bool:
        return self.type is ConfigType.PASSWORD

    def parse(self, text: str | None) -> Value:
        """The typed value of `text` (None stays None); raises ConfigError."""
        if text is None:
            return None
        try:
            value = _PARSERS[self.type](text)
        except ValueError as error:
            raise ConfigError(self.name, text, str(error), self.what_is_allowed) from None
        problem = self.allowed.problem_with(value)
        if problem is not None:
            shown = self._blamed_item(value) if isinstance(value, tuple) else to_text(value)
            raise ConfigError(self.name, shown, problem, self.what_is_allowed)
        return value

    @property
    def what_is_allowed(self) -> str:
        """`INT, at least 1`, for the line that a wrong value ends with."""
        return f"{self.type.name}, {self.allowed}" if str(self.allowed) else self.type.name

    def _blamed_item(self, items: tuple[str, ...]) -> str:
        """Kafka names the first wrong item of a list, and the list if it is wrong as a whole."""
        for item in items:
            if self.allowed.problem_with((item,)) is not None:
                return item if self.allowed.text.startswith("one of") else f"[{', '.join(items)}]"
        return f"[{', '.join(items)}]"


def to_text(value: Value) -> str:
    """The text of a parsed value as Kafka shows it (`ConfigDef.convertToString`)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java_double(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)


def _java_double(value: float) -> str:
    """`Double.toString`: plain from 0.001 to 10 million, else 1.5E10."""
    if value == 0 or 1e-3 <= abs(value) < 1e7 or value != value:
        return repr(value) if value == value else "NaN"
    if abs(value) == float("inf"):
        return "Infinity" if value > 0 else "-Infinity"
    mantissa, exponent = f"{Decimal(repr(value)).normalize():E}".split("E")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def _parse_boolean(text: str) -> bool:
    match text.strip().lower():
        case "true":
            return True
        case "false":
            return False
    raise ValueError("Expected value to be either true or false")


def _integer_parser(type_name: str, bits: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if re.fullmatch(r"[+-]?[0-9]+", text.strip()):
            value = int(text)
            if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
                return value
        raise ValueError(f"Not a number of type {type_name}")

    return parse


def _parse_double(text: str) -> float:
    number = re.fullmatch(
        r"([+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))[fFdD]?",
        text.strip(),
    )
    if number is None:
        raise ValueError("Not a number of type DOUBLE")
    return float(number[1])


def parse_list(text: str) -> tuple[str, ...]:
    """Comma-separated items without the blanks around them; an empty text is an empty list."""
    trimmed = text.strip()
    return tuple(item.strip() for item in trimmed.split(",")) if trimmed else ()


_PARSERS: Final[dict[ConfigType, Callable[[str], Value]]] = {
    BOOLEAN: _parse_boolean,
    STRING: str,
    INT: _integer_parser("INT", 32),
    SHORT: _integer_parser("SHORT", 16),
    LONG: _integer_parser("LONG", 64),
    DOUBLE: _parse_double,
    LIST: parse_list,
    CLASS: str.strip,
    PASSWORD: str,
}
