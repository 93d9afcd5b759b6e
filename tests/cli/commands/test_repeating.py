"""`--watch` and `--until`: rounds, what is shown of them, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from tests.cli.commands.canned import Canned, invoke, topic
from tests.cli.commands.rounds_clock import RoundsClock
from tests.cli.commands.test_every_command import COMMANDS, options_of
from tests.support.fake_broker import SILENT

pytestmark = pytest.mark.usefixtures("clock")


def growing(canned: Canned) -> Callable[[Any], MetadataResponse]:
    """Each time that it's asked there is one more topic."""

    def answer(request: MetadataRequest) -> MetadataResponse:
        if request.topics is None:
            canned.topics.append(topic(f"t{len(canned.topics)}", (1, [1], [1])))
        return canned._metadata(request)

    return answer


def test_each_list_and_describe_can_be_watched() -> None:
    showing = {"list", "describe", "replicas", "offsets", "brokers", "show", "producers"}
    showing |= {"tree", "ls", "get", "sessions", "watches", "stat"}
    showing.add("status")
    exempt = {"context list", "context show"}
    for name in COMMANDS:
        if name.split()[-1] in showing and name not in exempt:
            assert {"watch", "until", "timeout"} <= options_of(name), name


def test_until_it_is_so(canned: Canned) -> None:
    canned.answers(MetadataRequest, growing(canned))
    result = canned.admin("topic", "list", "--until", "count(topics) >= 3")
    assert result.exit_code == 0
    assert result.stdout.split() == ["t0", "t1", "t2"], "once, when it is so"


def test_a_command_that_ends_early(tmp_path: Path) -> None:
    """`status` where nothing runs says so, and ends: it is asked again."""
    where = ("--dir", str(tmp_path), "--timeout", "9")
    result = invoke("status", *where, "--until", "count(processes) >= 1")
    assert (result.exit_code, result.stdout) == (5, "")
    said = result.stderr.splitlines()
    assert said[0] == f"nothing runs in {tmp_path}"
    assert said[0] == said[1], "in each round"
    assert said[-1] == "Error: not so within 9 s: there is nothing to show"


def test_each_round_is_a_line_of_json(canned: Canned) -> None:
    canned.answers(MetadataRequest, growing(canned))
    result = invoke(
        *("topic", "list", "-b", str(canned.broker.address), "-o", "json"),
        *("--watch=0.1", "--until", "count(topics) >= 2"),
    )
    assert result.exit_code == 0
    rounds = [json.loads(line) for line in result.stdout.splitlines()]
    assert [len(each["topics"]) for each in rounds] == [1, 2]
    assert {each["v"] for each in rounds} == {1}


def test_not_in_time(canned: Canned) -> None:
    result = canned.admin(
        "topic", "list", "--until", "topics.name == x", "--timeout", "9", "-o", "json"
    )
    assert result.exit_code == 5
    assert result.stdout == ""
    assert result.stderr == (
        "Error: not so within 9 s: topics.name == x: there is no topics.name\n"
    )


def test_a_round_that_fails_is_not_the_end(canned: Canned) -> None:
    canned.answers(MetadataRequest, growing(canned))
    result = canned.admin(
        "topic", "describe", "--topic", "t1", "--until", "topics.name == t1", "--watch=0.1"
    )
    assert result.exit_code == 0
    assert result.stderr == "Error: no topic matches 't1'\n", "the first time"
    assert result.stdout.startswith("Topic: t1\t")


def test_what_failed_last_is_told(canned: Canned) -> None:
    result = canned.admin(
        "topic", "describe", "--topic", "nothing", "--until", "topics.name == x", "--timeout", "9"
    )
    assert result.exit_code == 5
    assert result.stderr == "Error: not so within 9 s: no topic matches 'nothing'\n"


def test_wrong_usage_is_the_end(canned: Canned) -> None:
    assert canned.admin("topic", "list", "--until", "soon").exit_code == 2
    assert canned.admin("topic", "describe", "--topic", "[", "--watch").exit_code == 2
    assert canned.admin("topic", "list", "--watch=0").exit_code == 2


def test_a_cluster_that_never_answers(canned: Canned) -> None:
    canned.answers(MetadataRequest, lambda _: SILENT)
    result = canned.admin("topic", "list", "--until", "topics.name == x", "--timeout", "0.05")
    assert result.exit_code == 5
    assert result.stderr == "Error: not so within 0.05 s: not done within 0.05 s\n"


def test_ctrl_c_ends_the_watching(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_clock: RoundsClock, _seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RoundsClock, "sleep", interrupted)
    canned.topics.append(topic("t", (1, [1], [1])))
    watched = canned.admin("topic", "list", "--watch")
    assert (watched.exit_code, watched.stdout) == (0, "t\n")
    waited = canned.admin("topic", "list", "--until", "topics.name == x")
    assert (waited.exit_code, waited.stderr) == (130, "Error: interrupted\n")
