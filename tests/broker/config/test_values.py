"""Types and validators of one value, with the messages that a real 3.9.1 gave."""

import pytest

from broker.config.allowed import at_least, between, one_of, release_of
from broker.config.values import (
    BOOLEAN,
    CLASS,
    DOUBLE,
    INT,
    LIST,
    LONG,
    PASSWORD,
    SHORT,
    STRING,
    ConfigError,
    ConfigType,
    Property,
    to_text,
)


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (BOOLEAN, " TRUE ", True),
        (BOOLEAN, "false", False),
        (INT, " +5 ", 5),
        (INT, "-2147483648", -(2**31)),
        (SHORT, "32767", 32767),
        (LONG, "9223372036854775807", 2**63 - 1),
        (DOUBLE, ".5d", 0.5),
        (DOUBLE, "1e3", 1000.0),
        (LIST, " a , b,c ", ("a", "b", "c")),
        (LIST, "", ()),
        (LIST, "a,,b", ("a", "", "b")),
        (STRING, " kept ", " kept "),
        (PASSWORD, " kept ", " kept "),
        (CLASS, " a.B ", "a.B"),
    ],
)
def test_a_text_that_its_type_allows(type_: ConfigType, text: str, value: object) -> None:
    assert Property("name", type_, None).parse(text) == value


@pytest.mark.parametrize(
    ("type_", "text", "problem"),
    [
        (BOOLEAN, "yes", "Expected value to be either true or false"),
        (INT, "", "Not a number of type INT"),
        (INT, "0x5", "Not a number of type INT"),
        (INT, "1_000", "Not a number of type INT"),
        (INT, "2147483648", "Not a number of type INT"),
        (SHORT, "32768", "Not a number of type SHORT"),
        (LONG, "9223372036854775808", "Not a number of type LONG"),
        (DOUBLE, "x", "Not a number of type DOUBLE"),
    ],
)
def test_a_text_that_its_type_refuses(type_: ConfigType, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Property("name", type_, None).parse(text)
    assert str(refused.value) == f"Invalid value {text} for configuration name: {problem}"


def test_a_refusal_says_what_would_be_allowed() -> None:
    with pytest.raises(ConfigError) as refused:
        Property("num.partitions", INT, "1", at_least(1)).parse("0")
    assert refused.value.line == (
        "num.partitions=0: Value must be at least 1 (allowed: INT, at least 1)"
    )


def test_ranges_include_their_ends() -> None:
    row = Property("ratio", DOUBLE, "0.5", between(0, 1))
    assert row.parse("0") == 0
    assert row.parse("1") == 1
    with pytest.raises(ConfigError, match=r"Invalid value 2\.0 .*: Value must be no more than 1"):
        row.parse("2")


def test_a_list_names_the_item_that_is_wrong() -> None:
    row = Property("cleanup.policy", LIST, "delete", one_of("compact", "delete"))
    assert row.parse("compact, delete") == ("compact", "delete")
    with pytest.raises(ConfigError, match=r"Invalid value foo for .*: String must be one of: comp"):
        row.parse("compact,foo")


def test_null_is_null() -> None:
    assert Property("log.retention.ms", LONG, None, at_least(1)).parse(None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (2.0, "2.0"),
        (0.9, "0.9"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (1e-5, "1.0E-5"),
        (12345678.0, "1.2345678E7"),
        (("a", "b"), "a,b"),
        (5, "5"),
    ],
)
def test_values_are_shown_as_java_shows_them(value: bool | int | float | str, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("3.9", "3.9"),
        ("3.9.1", "3.9"),
        ("3.9-IV0", "3.9"),
        ("3.9-IV1", None),
        ("0.10.0", "0.10.0"),
        ("0.10.0.1", "0.10.0"),
        ("2.8-IV1", "2.8"),
        ("9", None),
        ("zz", None),
    ],
)
def test_versions(version: str, release: str | None) -> None:
    assert release_of(version) == release
