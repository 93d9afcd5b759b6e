"""The lock on a directory is true even when its holder is killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.ensemble.claim import DirectoryInUse, claimed, holder
from cli.ensemble.layout import Directory

HOLD = """
import sys
from pathlib import Path
from cli.ensemble.claim import claimed
from cli.ensemble.layout import Directory
with claimed(Directory(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_holder_whose_pid_the_kernel_knows(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    assert holder(directory) is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert holder(directory) == other.pid
        with pytest.raises(DirectoryInUse, match=f"pid {other.pid}"), claimed(directory):
            pass
        assert holder(directory) == other.pid  # refusing did not disturb it

        other.send_signal(signal.SIGKILL)
        other.wait()
    assert holder(directory) is None
    with claimed(directory):
        pass
