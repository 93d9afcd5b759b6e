"""How a change ends: what was done is printed, what was not is the one line of the error.

all done             exit code 0
some of it           3: stdout says what was done, stderr what was not
nothing              1
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from cli.client.outcome import Outcome
from cli.commands.options import Exit, Failure

T = TypeVar("T")


def error_facts(outcome: Outcome[T]) -> dict[str, object]:
    """The end of each object in a change's JSON: null, null if it was done."""
    if outcome.done:
        return {"error": None, "message": None}
    return {"error": outcome.code.name, "message": outcome.message}


def fail_for(problems: Sequence[str], *, any_done: bool) -> None:
    """End with an error if there are problems: PARTIAL if something was done all the same."""
    if problems:
        raise Failure("; ".join(problems), Exit.PARTIAL if any_done else Exit.ERROR)


def fail_for_outcomes(outcomes: Sequence[Outcome[T]], what: Callable[[T], str]) -> None:
    """End with an error if some outcomes are failures; `what` names a subject."""
    fail_for(
        [f"{what(each.subject)}: {each.reason}" for each in outcomes if not each.done],
        any_done=any(each.done for each in outcomes),
    )
