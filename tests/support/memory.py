"""How much memory a process has in use."""

import os
from pathlib import Path


def resident_mb(pid: int | str = "self") -> float:
    """The resident set of a process, from Linux's /proc."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)
