"""Questions, on a terminal and where there is none."""

import io
import sys

import pytest

from cli.commands.confirming import confirm
from cli.commands.failure import Exit, Failure


class Typed(io.StringIO):
    """A terminal at which this was typed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("typed", ["y\n", "Yes\n"])
def test_a_yes(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Typed(typed))
    confirm("Do it?", yes=False)
    assert capsys.readouterr() == ("", "Do it? [y/N] ")


@pytest.mark.parametrize("typed", ["\n", "n\n", "", "ye\n"])
def test_anything_else(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Typed(typed))
    with pytest.raises(Failure, match="nothing was changed") as failure:
        confirm("Do it?", yes=False)
    assert failure.value.exit_code == Exit.ERROR


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(Failure, match="give --yes") as failure:
        confirm("Do it?", yes=False)
    assert failure.value.exit_code == Exit.USAGE
    confirm("Do it?", yes=True)
