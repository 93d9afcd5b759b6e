"""What the brokers use of the machine, as Linux counts it.

CPU          of each broker and its children (the cleaner of zbroker is one), ended ones too
switches     of all their threads: voluntary, it had to wait; involuntary, it was made to.
             The kernel counts them a thread, and forgets the count with the thread.
memory       resident, a broker with its children
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

from tests.bench.contenders import BROKERS, Contender
from tests.bench.figures import Figure


@attrs.frozen
class Usage:
    """Of all brokers of a cluster together: counts since their start, memory now."""

    cpu_s: float
    rss_mb: float
    voluntary: dict[int, int]  # switches by thread
    involuntary: dict[int, int]


def usage(contender: Contender) -> Usage:
    return usage_of([broker.pid for broker in contender.brokers])


def usage_of(pids: Collection[int]) -> Usage:
    """Of these processes and their children."""
    ticks = 0
    rss_kb = 0
    voluntary, involuntary = {}, {}
    for member in (member for pid in pids for member in _family(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            process = Path(f"/proc/{member}")
            ticks += cpu_ticks((process / "stat").read_text())
            rss_kb += status_numbers((process / "status").read_text()).get("VmRSS", 0)
            for thread in (process / "task").iterdir():
                with suppress(FileNotFoundError, ProcessLookupError):
                    status = status_numbers((thread / "status").read_text())
                    voluntary[int(thread.name)] = status["voluntary_ctxt_switches"]
                    involuntary[int(thread.name)] = status["nonvoluntary_ctxt_switches"]
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), rss_kb / 1024, voluntary, involuntary)


@contextmanager
def used(contender: Contender, workload: str) -> Iterator[list[Figure]]:
    """What all brokers used during the block; in the list when the block has ended."""
    before = usage(contender)
    figures: list[Figure] = []
    yield figures
    after = usage(contender)
    figures += [
        Figure(workload, "broker CPU", after.cpu_s - before.cpu_s, "s", False),
        Figure(workload, "switches, voluntary", *_more(before.voluntary, after.voluntary)),
        Figure(workload, "switches, involuntary", *_more(before.involuntary, after.involuntary)),
        Figure(workload, "memory", after.rss_mb / BROKERS, "MB a broker", False),
    ]


def _more(before: dict[int, int], after: dict[int, int]) -> tuple[float, str, bool]:
    return float(grown(before, after)), "", False


def grown(before: dict[int, int], after: dict[int, int]) -> int:
    """By how much the counts of the threads have grown that are still there."""
    return sum(count - before.get(thread, 0) for thread, count in after.items())


def cpu_ticks(stat: str) -> int:
    """User and system time in a /proc/PID/stat, with that of children that were waited for.

    proc(5), fields 14 to 17; the name before them is in brackets, and may hold anything.
    """
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def status_numbers(status: str) -> dict[str, int]:
    """The lines of a /proc/PID/status that begin with a number; units are left out (all kB)."""
    lines = (line.split() for line in status.splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if words[1:2] and _is_int(words)}


def _is_int(words: list[str]) -> bool:
    return words[1].isascii() and words[1].isdigit()


def _family(pid: int) -> Iterator[int]:
    """The process and its children, as far as they live."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):  # it, or a thread of it, has just ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (thread / "children").read_text().split())
