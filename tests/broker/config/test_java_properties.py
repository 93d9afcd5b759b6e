"""Java's properties syntax, by the examples of its specification and by round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.config.java_properties import (
    PropertiesSyntaxError,
    format_properties,
    parse_properties,
)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        (b"Truth = Beauty", "Truth", "Beauty"),
        (b" Truth:Beauty", "Truth", "Beauty"),
        (b"Truth                    :Beauty", "Truth", "Beauty"),
        (b"Truth Beauty", "Truth", "Beauty"),
        (b"Truth\tBeauty", "Truth", "Beauty"),
        (b"cheeses", "cheeses", ""),
        (b"cheeses =", "cheeses", ""),
        (b"=value", "", "value"),
        (b"url=PLAINTEXT://:9092", "url", "PLAINTEXT://:9092"),
        (b"two==signs", "two", "=signs"),
        (b"trailing=kept  ", "trailing", "kept  "),
        (rb"with\ blank\=and\:all=1", "with blank=and:all", "1"),
        (rb"escapes=\t\n\r\f\\\q\u00e9", "escapes", "\t\n\r\f\\q\xe9"),
        (rb"beyond=\uD83D\uDE00", "beyond", "\U0001f600"),
        (b"latin=\xe9", "latin", "\xe9"),
        (
            b"fruits  apple, banana, \\\n   \tpear, \\\r\n plum",
            "fruits",
            "apple, banana, pear, plum",
        ),
        (b"even=slashes\\\\\n", "even", "slashes\\"),
        (b"last=line\\", "last", "line"),
        (b"a=1\n a = 2", "a", "2"),
    ],
)
def test_one_entry(line: bytes, key: str, value: str) -> None:
    assert parse_properties(line) == {key: value}


def test_comments_and_blank_lines_do_not_count_and_are_not_continued() -> None:
    text = b"# a comment \\\n! another\n\n   \n  # indented\nbroker.id=1 # not a comment\n"
    assert parse_properties(text) == {"broker.id": "1 # not a comment"}


def test_all_three_line_ends() -> None:
    assert parse_properties(b"a=1\rb=2\r\nc=3\n") == {"a": "1", "b": "2", "c": "3"}


def test_a_broken_unicode_escape_is_refused() -> None:
    with pytest.raises(PropertiesSyntaxError, match="Malformed"):
        parse_properties(rb"a=\u12")


def test_written_as_java_writes_it() -> None:
    written = format_properties(
        {"b": " x y", "a": "#1=2:3\xe9"}, "", "Sun Nov 22 10:45:37 UTC 2026"
    )
    assert written == (b"#\n#Sun Nov 22 10:45:37 UTC 2026\na=\\#1\\=2\\:3\\u00E9\nb=\\ x y\n")


# Surrogates alone are no text.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.long
@given(st.dictionaries(texts, texts, max_size=5))
def test_what_is_written_is_read_back(properties: dict[str, str]) -> None:
    assert parse_properties(format_properties(properties, "a comment")) == properties
