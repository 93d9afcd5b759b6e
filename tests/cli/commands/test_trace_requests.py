"""`trace requests`: what a broker tells, in words; whole in tests/interop/test_monitoring.py."""

import json

import pytest

from cli.client import Address
from cli.commands.trace.requests import _told
from tests.cli.commands.canned import check_schema, invoke

ADDRESS = Address("b1", 9404)
DOCUMENT = {
    "time_ms": 1795404181279,
    "api": "Produce",
    "version": 9,
    "correlation_id": 4,
    "client_id": "c",
    "listener": "PLAINTEXT",
    "principal": "User:ANONYMOUS",
    "host": "127.0.0.1",
    "size_bytes": 87,
    "local_ms": 0.25,
    "remote_ms": 2.5,
    "throttle_ms": 0.0,
    "queue_ms": 0.0,
    "send_ms": 0.25,
    "total_ms": 3.0,
    "errors": {"NONE": 2},
}


def test_in_words() -> None:
    text = _told(ADDRESS, DOCUMENT, "table")
    assert text == (
        "03:23:01.279  b1:9404  Produce v9 from c: 3 ms (0.25 local, 2.5 remote) NONE 2"
    )
    wide = _told(ADDRESS, {**DOCUMENT, "client_id": None}, "wide")
    assert "from a client without a name: " in wide
    assert wide.endswith("NONE 2 [4, 87 bytes by PLAINTEXT, User:ANONYMOUS at 127.0.0.1]")
    assert _told(ADDRESS, DOCUMENT, "name") == "Produce"


def test_for_programs() -> None:
    told = json.loads(_told(ADDRESS, DOCUMENT, "json"))
    check_schema(["trace", "requests"], told)
    assert told["errors"] == [{"error": "NONE", "count": 2}]
    assert _told(ADDRESS, DOCUMENT, "yaml").startswith("---\nv: 1\nhttp: ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("requests",), "Missing option '--http'"),
        (("requests", "--http", "h:x"), "a port is a number"),
        (("events", "--http", "h:1"), "--http goes with --follow"),
        (("events", "--http", "h:1", "--follow", "--tree"), "--http goes with --follow"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke("trace", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]
