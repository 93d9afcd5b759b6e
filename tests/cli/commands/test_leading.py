"""Options before the noun, and what is left as it stands."""

import pytest

from cli.commands.leading import behind_the_verb
from tests.cli.commands.canned import Canned, invoke, topic


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        ("topic list -b h", "topic list -b h"),
        ("-b h topic list", "topic list -b h"),
        ("-bh topic list --internal", "topic list --internal -bh"),
        (
            "--bootstrap-server=h --output json topic describe t",
            "topic describe t --bootstrap-server=h --output json",
        ),
        ("-b h --watch=1 topic list", "topic list -b h --watch=1"),
        ("--watch topic list", "topic list --watch"),
        ("-v topic list", "topic list -v"),
        ("-b h records produce t -- -x", "records produce t -b h -- -x"),
        ("--help", "--help"),
        ("-b", "-b"),
        ("-b h", "-b h"),
        ("-b h --nonsense topic", "-b h --nonsense topic"),
        ("", ""),
    ],
)
def test_what_is_moved(given: str, moved: str) -> None:
    assert behind_the_verb(given.split()) == moved.split()


def test_in_front_of_a_command(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1], [1]))]
    in_front = invoke("-b", str(canned.broker.address), "-o", "name", "topic", "list")
    assert (in_front.exit_code, in_front.stdout) == (0, "orders\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("-b", "h", "version"), "No such option '-b'"),
        (("-b", "h"), "No such option '-b'"),
        (("--nonsense", "topic", "list"), "No such option '--nonsense'"),
    ],
)
def test_what_the_verb_does_not_know(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]


def test_version() -> None:
    assert invoke("version").stdout.startswith("zbroker ")
