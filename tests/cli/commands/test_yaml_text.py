"""Facts as YAML: the text, written out; nothing that YAML reads as something else."""

from typing import Any

import pytest

from cli.commands.yaml_text import yaml_lines


def test_nested_objects_and_arrays() -> None:
    facts: dict[str, Any] = {
        "v": 1,
        "topics": [
            {
                "name": "orders",
                "leader": None,
                "internal": False,
                "configs": {},
                "replicas": (1, 2),
            },
            {"name": "x", "lag": 1.5, "configs": {"retention.ms": "7"}, "replicas": [[3], []]},
        ],
    }
    assert "\n".join(yaml_lines(facts)) == (
        "v: 1\n"
        "topics:\n"
        "- name: orders\n"
        "  leader: null\n"
        "  internal: false\n"
        "  configs: {}\n"
        "  replicas:\n"
        "  - 1\n"
        "  - 2\n"
        "- name: x\n"
        "  lag: 1.5\n"
        "  configs:\n"
        '    retention.ms: "7"\n'
        "  replicas:\n"
        "  - - 3\n"
        "  - []"
    )


@pytest.mark.parametrize(
    "text", ["orders", "my-app_1.x", "/127.0.0.1", "two words", "UNKNOWN_TOPIC_OR_PARTITION"]
)
def test_plain_strings(text: str) -> None:
    assert yaml_lines({"key": text}) == [f"key: {text}"]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ("no", '"no"'),
        ("True", '"True"'),
        ("null", '"null"'),
        ("12", '"12"'),
        ("1e3", '"1e3"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        (" a", '" a"'),
        ('say "x"', r'"say \"x\""'),
        ("line\nline", r'"line\nline"'),
        ("straße", '"straße"'),
        ("\x7f\u2028", r'"\u007f\u2028"'),
    ],
)
def test_strings_in_quotes(text: str, quoted: str) -> None:
    assert yaml_lines({"key": text}) == [f"key: {quoted}"]
    assert yaml_lines({text: 1}) == [f"{quoted}: 1"]
