"""promtool: what Prometheus itself says of metrics, rules and expressions."""

import subprocess
from pathlib import Path

from tests.support.tools import require_tool

HOW_TO_GET = "it comes with Prometheus (apt-get install prometheus, or prometheus.io/download)"


def promtool(*arguments: str | Path, stdin: bytes = b"") -> str:
    """What it says; AssertionError if it finds anything wrong."""
    program = require_tool("promtool", HOW_TO_GET)
    result = subprocess.run(
        [program, *arguments], input=stdin, capture_output=True, timeout=60, check=False
    )
    said = (result.stdout + result.stderr).decode()
    assert result.returncode == 0, said
    return said
