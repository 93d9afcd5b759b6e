"""Java's `.properties` files: how `server.properties` and `meta.properties` are written.

One `key=value` a line, with more freedom than most people know:

    # a comment, and ! another          blank lines and leading blanks do not count
    key=value   key: value   key value  the first unescaped `=`, `:` or blank ends the key
    list=a,\\                           an odd number of backslashes at the end continues the line,
         b                              and the next line's leading blanks are dropped
    path=C:\\\\data \\u00e9              \\t \\n \\r \\f \\uXXXX and \\<any> = that character

Bytes are ISO-8859-1 as Java reads them, so that one file means the same to Kafka and to us: text
beyond it is written \\uXXXX. Trailing blanks belong to the value. The last of equal keys wins.

Source: the specification of `java.util.Properties.load` and `store`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

ENCODING: Final = "iso-8859-1"

_BLANKS: Final = " \t\f"
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.)|$)", re.DOTALL)
# A key runs up to the first blank, `=` or `:` that no backslash protects.
_KEY: Final = re.compile(r"(?:[^\\ \t\f=:]|\\.|\\$)*", re.DOTALL)
_SEPARATOR: Final = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")


class PropertiesSyntaxError(ValueError):
    """The text is not a properties file; the message names the escape that is wrong."""


def parse_properties(data: bytes) -> dict[str, str]:
    """Reads a whole file; raises PropertiesSyntaxError, in Java's words, for a broken \\uXXXX."""
    properties: dict[str, str] = {}
    for line in _logical_lines(data.decode(ENCODING)):
        key = _KEY.match(line)
        assert key is not None  # the pattern matches the empty string
        separator = _SEPARATOR.match(line, key.end())
        assert separator is not None
        properties[_unescape(key.group())] = _unescape(line[separator.end() :])
    return properties


def format_properties(properties: Mapping[str, str], *comments: str) -> bytes:
    """Writes a file as Java's `store` does: a comment line each, then the pairs in key order."""
    lines = [f"#{comment}" for comment in comments]
    lines += [
        f"{_escape(key, blanks=True)}={_escape(value, blanks=False)}"
        for key, value in sorted(properties.items())
    ]
    return "".join(f"{line}\n" for line in lines).encode(ENCODING)


def _logical_lines(text: str) -> Iterator[str]:
    continued: str | None = None  # what the lines so far add up to, when they end in a backslash
    for natural_line in re.split(r"\r\n|\r|\n", text):
        line = natural_line.lstrip(_BLANKS)
        if continued is None:
            if not line or line[0] in "#!":
                continue
        else:
            line = continued + line
        trailing_backslashes = len(line) - len(line.rstrip("\\"))
        if trailing_backslashes % 2:
            continued = line[:-1]
        else:
            continued = None
            yield line
    if continued:
        yield continued


def _unescape(text: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        code, character = match.groups()
        if code is not None:
            return chr(int(code, 16))
        if character == "u":
            raise PropertiesSyntaxError("Malformed \\uxxxx encoding.")
        return _ESCAPES.get(character, character or "")

    if "\\" not in text:
        return text
    unescaped = _ESCAPE.sub(replacement, text)
    # Java's characters are UTF-16 units: a pair of escapes is one character beyond the BMP.
    return unescaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape(text: str, *, blanks: bool) -> str:
    escaped = []
    for position, character in enumerate(text):
        if character == " ":
            escaped.append("\\ " if blanks or position == 0 else " ")
        elif character in "\t\n\r\f":
            escaped.append("\\" + "tnrf"["\t\n\r\f".index(character)])
        elif character in "\\=:#!":
            escaped.append("\\" + character)
        elif " " < character <= "~":
            escaped.append(character)
        else:
            units = character.encode("utf-16-be")
            escaped += [f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2)]
    return "".join(escaped)
