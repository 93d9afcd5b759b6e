"""A child's session, log, end, and its death with the parent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from cli.ensemble.child import how_it_ended, spawn

PARENT = """
import sys, time
from pathlib import Path
from cli.ensemble.child import spawn
child = spawn("sleeper", ["sleep", "1000"], log_file=Path(sys.argv[1]))
print(child.pid, flush=True)
sys.stdin.read()
"""


async def test_output_goes_to_the_log_and_the_exit_code_comes_back(tmp_path: Path) -> None:
    log_file = tmp_path / "log"
    log_file.write_text("from an earlier run\n")
    child = spawn("talker", ["sh", "-c", "echo out; echo err >&2; exit 3"], log_file=log_file)
    with trio.fail_after(10):
        assert await child.wait() == 3
    assert child.last_lines(2) == ["out", "err"]
    assert child.last_lines(10) == ["from an earlier run", "out", "err"]
    assert how_it_ended(3) == "exit code 3"


async def test_it_leads_a_session_of_its_own_and_is_waited_for(tmp_path: Path) -> None:
    child = spawn("sleeper", ["sleep", "1000"], log_file=tmp_path / "log")
    assert os.getsid(child.pid) == child.pid
    child.send(signal.SIGTERM)
    with trio.fail_after(10):
        assert await child.wait() == -signal.SIGTERM
    child.send(signal.SIGTERM)  # too late, and no error
    assert how_it_ended(-signal.SIGTERM) == "killed by SIGTERM"


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        pidfd = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.send_signal(signal.SIGKILL)
            assert has_ended(pidfd)
        finally:
            os.close(pidfd)


async def test_it_is_refused_off_the_main_thread(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="main"):
        await trio.to_thread.run_sync(lambda: spawn("x", ["true"], log_file=tmp_path / "log"))


def has_ended(pidfd: int) -> bool:
    async def wait() -> bool:
        with trio.move_on_after(10):
            await trio.lowlevel.wait_readable(pidfd)
            return True
        return False

    return trio.run(wait)
