"""`--watch` and `--until`: a command that shows something, again and again.

    --watch[=S]           every S seconds, until Ctrl-C (exit code 0); a terminal is cleared
    --until EXPR          quietly, until its answer is so (`conditions`); then it is shown
    --watch --until EXPR  both: shown each time, and ended when it is so

With `-o json` each answer is one line. A round that fails, because a broker is just being started
again, is told (with `--watch`) and not the end. With `--until`, `--timeout` is for all of it: exit
code 5, and in one line what was not so.
"""

import functools
import sys
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs
import click

from cli.commands.conditions import Condition, Until
from cli.commands.failure import Exit, Failure
from cli.commands.output import Answer, taking_answers

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_INTERVAL_S: Final = 2.0
# Quietly we ask oftener: nobody has to read it.
QUIET_INTERVAL_S: Final = 0.5


def repeating_options(command: Command) -> Command:
    """Add `--watch` and `--until` to a command that takes `output`, and `timeout` in seconds."""

    @functools.wraps(command)
    def repeated(*args: Any, watch: float | None, until: Condition | None, **kwargs: Any) -> Any:
        if watch is None and until is None:
            return command(*args, **kwargs)
        rounds = _Rounds(kwargs["output"], watch, until, kwargs["timeout"])
        return rounds.run(lambda left_s: command(*args, **{**kwargs, "timeout": left_s}))

    options = [
        click.option(
            "--watch",
            type=click.FloatRange(min=0.1),
            is_flag=False,
            flag_value=DEFAULT_INTERVAL_S,
            default=None,
            metavar="[=S]",
            help=f"Show it every S seconds, until Ctrl-C.  [S: {DEFAULT_INTERVAL_S:g}]",
        ),
        click.option(
            "--until",
            type=Until(),
            metavar="EXPR",
            help="Wait until it is so, said of the JSON: 'count(brokers) >= 3', "
            "'groups.state == Stable'; exit code 5 after --timeout.",
        ),
    ]
    for option in reversed(options):
        repeated = option(repeated)
    return repeated  # type: ignore[return-value]


@attrs.define(eq=False)
class _Rounds:
    form: str
    watch: float | None
    until: Condition | None
    timeout_s: float
    _shown: int = attrs.field(default=0, init=False)
    _why_not: str | None = attrs.field(default=None, init=False)

    def run(self, command: Callable[[float], None]) -> None:
        """Call the command, with the seconds that it has, until it is enough."""
        deadline = time.monotonic() + self.timeout_s
        interval_s = self.watch or QUIET_INTERVAL_S
        try:
            while not self._round(command, deadline):
                pause_s = interval_s
                if self.until is not None:
                    pause_s = min(pause_s, max(0.0, deadline - time.monotonic()))
                time.sleep(pause_s)
        except KeyboardInterrupt:
            if self.until is not None:
                raise

    def _round(self, command: Callable[[float], None], deadline: float) -> bool:
        """Whether it was the last one."""
        failure: click.ClickException | None = None
        left_s = self.timeout_s
        if self.until is not None:
            left_s = max(0.01, round(deadline - time.monotonic(), 2))  # as somebody may read it
        with taking_answers() as answers:
            try:
                command(left_s)
            except click.UsageError:
                raise
            except click.exceptions.Exit:  # said why there's nothing, or not all
                failure = None if answers else Failure("there is nothing to show")
            except click.ClickException as error:
                if error.exit_code == Exit.INTERRUPTED:
                    raise KeyboardInterrupt from None
                failure = error
        answer = answers[-1] if answers else None
        is_met = self.until is not None and answer is not None and self.until.holds(answer.facts)
        if self.watch is not None or is_met:
            self._show(answer, failure)
        if is_met:
            return True
        if self.until is None:
            return False
        if answer is not None:
            self._why_not = self.until.unmet(answer.facts)
        elif failure is not None and (failure.exit_code != Exit.TIMEOUT or self._why_not is None):
            self._why_not = failure.message  # the last round has no time left: it says nothing new
        if time.monotonic() >= deadline:
            raise Failure(f"not so within {self.timeout_s:g} s: {self._why_not}", Exit.TIMEOUT)
        return False

    def _show(self, answer: Answer | None, failure: click.ClickException | None) -> None:
        is_text = self.form not in ("json", "yaml")
        if self.watch is not None and is_text and sys.stdout.isatty():
            click.clear()
            moment = time.strftime("%H:%M:%S")
            click.echo(f"{moment}, every {self.watch:g} s; Ctrl-C ends it\n")
        elif self._shown and is_text:
            click.echo()
        if answer is not None:
            if self.form == "yaml" and self.watch is not None:
                click.echo("---")
            answer.print_as(self.form, in_a_line=True)
            self._shown += 1
        if failure is not None:
            failure.show()
        sys.stdout.flush()
