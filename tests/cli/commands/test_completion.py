"""What a shell completes: asked as click's scripts ask, and in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from broker.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse
from cli.admin import main
from cli.commands.completion import PROGRAM, VARIABLE
from tests.cli.commands.canned import Canned, invoke, topic
from tests.support.ports import free_port
from tests.support.terminal import on_terminal


def completed(*line: str) -> list[str]:
    """The words that may stand in the place of the last one."""
    shell = ShellComplete(main, {}, PROGRAM, VARIABLE)
    return [each.value for each in shell.get_completions(list(line[:-1]), line[-1])]


@pytest.fixture
def bootstrap(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("ZBROKER_BOOTSTRAP", raising=False)
    canned.topics = [topic("orders", (1, [1], [1])), topic("payments", (1, [1], [1]))]
    canned.answers(
        ListGroupsRequest, ListGroupsResponse(groups=[ListedGroup(group_id="g", protocol_type="")])
    )
    return str(canned.broker.address)


def test_commands_and_options() -> None:
    assert completed("to") == ["topic"]
    assert completed("group", "de") == ["describe", "delete", "delete-offsets"]
    assert "--partitions" in completed("topic", "create", "--p")
    assert completed("topic", "list", "-o", "") == ["table", "wide", "name", "json", "yaml"]


def test_names(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = ("-b", bootstrap)
    assert completed("topic", "describe", *here, "") == ["orders", "payments"]
    assert completed("topic", "describe", *here, "pay") == ["payments"]
    assert completed("group", "delete", *here, "") == ["g"]
    assert completed("config", "describe", *here, "--topic", "o") == ["orders"]
    assert completed("config", "describe", *here, "--broker", "") == ["1"]
    assert completed("partition", "replicas", *here, "o") == ["orders"]
    monkeypatch.setenv("ZBROKER_BOOTSTRAP", bootstrap)
    assert completed("topic", "delete", "o") == ["orders"]


def test_no_cluster_completes_nothing() -> None:
    assert completed("topic", "describe", "-b", f"127.0.0.1:{free_port()}", "") == []
    assert completed("topic", "describe", "-b", "host:x", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts(shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert VARIABLE in result.stdout
    assert invoke("completion", "cmd").exit_code == 2


ASK = """
source <("$ZBROKER_ADMIN" completion bash)
COMP_WORDS=("$ZBROKER_ADMIN" topic describe -b "${BOOTSTRAP%:*}" : "${BOOTSTRAP#*:}" pay)
COMP_CWORD=7
_zbroker_admin_completion "$ZBROKER_ADMIN"
echo "${COMPREPLY[@]}"
complete -p zbroker-admin
"""


@pytest.mark.long  # four starts of Python
def test_a_real_bash(bootstrap: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    program = Path(sys.executable).with_name(PROGRAM)
    environment = {**os.environ, "ZBROKER_ADMIN": str(program), "BOOTSTRAP": bootstrap}
    answer = subprocess.run(
        [bash, "--norc", "-c", ASK],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.splitlines()[0] == "payments"
    assert "_zbroker_admin_completion zbroker-admin" in answer.stdout.splitlines()[1]


@pytest.mark.long
def test_a_user_at_a_terminal(bootstrap: str) -> None:
    """What TAB puts into the line: commands, options, and a topic's name that the cluster has."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    programs = Path(sys.executable).parent
    env = {"PATH": f"{programs}:{os.environ['PATH']}", "PS1": "ready> "}
    with on_terminal([bash, "--norc", "--noprofile", "-i"], env) as terminal:
        terminal.wait_for("ready> ")
        terminal.type("source <(zbroker-admin completion bash) && echo so''urced\n")
        terminal.wait_for("sourced\r\n")
        terminal.wait_for("ready> ")
        terminal.type("zbroker-admin top\t")
        terminal.wait_for("topic ")
        terminal.type("desc\t")
        terminal.wait_for("describe ")
        terminal.type("--unav\t")
        terminal.wait_for("--unavailable-partitions ")
        terminal.type(f"-b {bootstrap} pay\t")
        terminal.wait_for("payments ")
        terminal.type("\n")
        terminal.wait_for("ready> ")
        terminal.type("exit\n")
        assert terminal.exit_code() == 0
