"""What whoever runs the fuzz has chosen: how many cases, and by which seed."""

import os


def seed(usual: int) -> int:
    return int(os.environ.get("ZBROKER_FUZZ_SEED", usual))


def cases(usual: int, *, share: float) -> int:
    """A part's share of the cases that were asked for in all, or what is usual for it."""
    chosen = os.environ.get("ZBROKER_FUZZ_CASES")
    return usual if chosen is None else int(int(chosen) * share)
