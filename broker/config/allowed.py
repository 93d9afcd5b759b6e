"""What a configuration value may be: ranges, words, versions.

Each is an `Allowed`: Kafka's complaint about a value that is not, and a few words that say what
would have been right. at_least(1): "Value must be at least 1", and "at least 1".

Source: Kafka's `ConfigDef` (Range, ValidString, ValidList, NonEmptyString), `CompressionType`,
`MetadataVersionValidator`, `ThrottledReplicaListValidator`.
"""

import re
from collections.abc import Callable
from typing import Final

import attrs

# A parsed configuration value; None is Kafka's null.
Value = bool | int | float | str | tuple[str, ...] | None


@attrs.frozen
class Allowed:
    """A validator. `problem_with` gives Kafka's complaint, or None; `text` says what is allowed."""

    text: str
    problem_with: Callable[[Value], str | None]

    def __str__(self) -> str:
        return self.text


def between(low: float | None, high: float | None) -> Allowed:
    """A number from `low` to `high`, both inclusive; None is no limit."""

    def problem_with(value: Value) -> str | None:
        if not isinstance(value, int | float):
            return "Value must be non-null"
        if low is not None and value < low:
            return f"Value must be at least {low}"
        if high is not None and value > high:
            return f"Value must be no more than {high}"
        return None

    if high is None:
        return Allowed(f"at least {low}", problem_with)
    return Allowed(f"{low} to {high}", problem_with)


def at_least(low: int) -> Allowed:
    return between(low, None)


def one_of(*names: str, ignoring_case: bool = False) -> Allowed:
    """One of these words; for a list, each of its items is one of them."""
    words = {name.upper() for name in names} if ignoring_case else set(names)
    how = " (case insensitive)" if ignoring_case else ""

    def problem_with(value: Value) -> str | None:
        for item in value if isinstance(value, tuple) else (value,):
            word = item.upper() if ignoring_case and isinstance(item, str) else item
            if word not in words:
                return f"String must be one of{how}: {', '.join(names)}"
        return None

    return Allowed(f"one of {', '.join(names)}", problem_with)


def _not_empty(value: Value) -> str | None:
    return "String must be non-empty" if isinstance(value, str) and not value else None


# The releases that a version setting may name, with how many `-IVn` steps each had.
_RELEASES: Final = {
    "0.8.0": 0, "0.8.1": 0, "0.8.2": 0, "0.9.0": 0, "0.10.0": 2, "0.10.1": 3, "0.10.2": 1,
    "0.11.0": 3, "1.0": 1, "1.1": 1, "2.0": 2, "2.1": 3, "2.2": 2, "2.3": 2, "2.4": 2, "2.5": 1,
    "2.6": 1, "2.7": 3, "2.8": 2, "3.0": 2, "3.1": 1, "3.2": 1, "3.3": 4, "3.4": 1, "3.5": 3,
    "3.6": 3, "3.7": 5, "3.8": 1, "3.9": 1, "4.0": 2,
}  # fmt: skip


def release_of(version: str) -> str | None:
    """`3.9` for 3.9, 3.9-IV0 and 3.9.1; None if Kafka 3.9 knows no such version.

    Source: Kafka's `MetadataVersion.fromVersionString`.
    """
    parts = version.split(".")
    release, _, step = ".".join(parts[: 3 if version.startswith("0.") else 2]).partition("-IV")
    if release not in _RELEASES or (step and step not in map(str, range(_RELEASES[release]))):
        return None
    return release


def _version(value: Value) -> str | None:
    if isinstance(value, str) and release_of(value) is not None:
        return None
    return f"Version {value} is not a valid version"


def throttled_replicas(name: str) -> Allowed:
    """`*`, or pairs of partition and broker; the complaint names the topic config."""

    def problem_with(value: Value) -> str | None:
        replicas = value if isinstance(value, tuple) else ()
        if replicas == ("*",) or all(re.fullmatch(r"[0-9]+:[0-9]+", item) for item in replicas):
            return None
        return (
            f"{name} must be the literal '*' or a list of replicas in the following format: "
            "[partitionId]:[brokerId],[partitionId]:[brokerId],..."
        )

    return Allowed("* or partition:broker,...", problem_with)


ANYTHING: Final = Allowed("", lambda _value: None)
KAFKA_VERSION: Final = Allowed("a version of Kafka up to 3.9, as 3.9 or 3.9-IV0", _version)
NOT_EMPTY: Final = Allowed("a non-empty text", _not_empty)
POOL_SIZE: Final = Allowed(
    "at least 1, or -1",
    lambda value: (
        None
        if isinstance(value, int) and (value >= 1 or value == -1)
        else "Value can be -1 or greater than 0"
    ),
)
GZIP_LEVEL: Final = Allowed(
    "1 to 9, or -1",
    lambda value: (
        None
        if isinstance(value, int) and (1 <= value <= 9 or value == -1)
        else "Value must be between 1 and 9 or equal to -1"
    ),
)
