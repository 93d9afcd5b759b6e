"""Facts as YAML: the same objects and arrays as in JSON, in block style.

    v: 1
    topics:
    - name: orders
      configs: {}
      replicas:
      - 1

Only what JSON has is needed (no anchors, tags or several documents), so this is short. A string
that YAML might read as something else (`no`, `1.5`, `a: b`) stands in double quotes, where YAML's
escapes are JSON's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

# Strings that are themselves without quotes, in YAML 1.1 and 1.2.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
# JSON leaves these as they are; YAML calls them unprintable, or line breaks.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def yaml_lines(value: Mapping[str, Any] | Sequence[Any]) -> list[str]:
    """The lines of a block that is not empty."""
    if isinstance(value, Mapping):
        return [line for key, each in value.items() for line in _entry(_string(key), each)]
    lines = []
    for each in value:
        first, *more = yaml_lines(each) if _is_block(each) else [_flow(each)]
        lines += [f"- {first}", *(f"  {line}" for line in more)]
    return lines


def _entry(key: str, value: Any) -> list[str]:
    if not _is_block(value):
        return [f"{key}: {_flow(value)}"]
    indent = "  " if isinstance(value, Mapping) else ""
    return [f"{key}:", *(indent + line for line in yaml_lines(value))]


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def _flow(value: Any) -> str:
    """What fits behind a key: a scalar, or an empty collection."""
    if isinstance(value, str):
        return _string(value)
    return json.dumps(value)  # null, true, 3, 1.5, {} and [] are the same in YAML


def _string(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
