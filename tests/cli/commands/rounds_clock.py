"""The clock of `--watch` and `--until` in a test: time passes only while a round is waited for.

What a machine needs for a round, its first use of an API above all, is then not a test's matter.
"""

import time

import attrs


@attrs.define
class RoundsClock:
    """Stands for the module `time` in `cli.commands.repeating`. Seconds."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def strftime(self, form: str) -> str:
        return time.strftime(form)
