"""A Docker engine for tests: the one that runs, or one that is brought up for them.

`../shared/docker-engine up` (beside the checkout) installs and starts an engine where no image
registry is reached, with stand-ins for the base images; it takes minutes the first time and seconds
after. An engine that we brought up is taken down again, one that ran before is left alone.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[3] / "shared" / "docker-engine"
UP_TIMEOUT_S = 900
DOWN_TIMEOUT_S = 120

Say = Callable[[str], None]


@contextmanager
def docker_engine(say: Say) -> Iterator[None]:
    """While the block runs, `docker compose` works. Skips the test, in CI fails it, if it can't."""
    if _answers():
        say("a Docker engine runs")
        yield
        return
    reason = _why_none_can_be_had()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    say(f"no Docker engine runs: {ENGINE} up")
    try:
        run([str(ENGINE), "up"], UP_TIMEOUT_S, say)
        yield
    finally:
        run([str(ENGINE), "down"], DOWN_TIMEOUT_S, say)


def run(argv: list[str], timeout_s: float, say: Say) -> None:
    """Run a long command, its output shown as it comes; AssertionError if it fails or hangs."""
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    watchdog = threading.Timer(timeout_s, process.kill)
    watchdog.start()
    with process:
        assert process.stdout is not None
        try:
            for line in filter(str.strip, process.stdout):
                say(f"  {line.rstrip()}")
            code = process.wait()
        finally:
            watchdog.cancel()
            process.kill()
    assert code == 0, f"{' '.join(argv)} ended with {code}"


def _answers() -> bool:
    """Whether an engine and `docker compose` are there."""
    return all(
        shutil.which("docker") is not None
        and subprocess.run(
            ["docker", *arguments], capture_output=True, timeout=30, check=False
        ).returncode
        == 0
        for arguments in (("version",), ("compose", "version"))
    )


def _why_none_can_be_had() -> str | None:
    if not ENGINE.exists():
        return "no Docker engine with compose runs; install one (docker.com/get-started)"
    if os.geteuid() != 0:
        return f"no Docker engine with compose runs, and {ENGINE} up needs root"
    return None
