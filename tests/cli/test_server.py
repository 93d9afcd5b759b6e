"""The `zbroker` command: what it refuses with one line, and how signals and failures end it."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from broker.config import BrokerConfig
from cli.server import load_config
from tests.support.ports import free_port

MINIMAL = "broker.id=1\nzookeeper.connect=127.0.0.1:2181\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "server.properties"
    path.write_text(MINIMAL)
    return path


def refusal(capsys: pytest.CaptureFixture[str], file: Path, *overrides: str) -> str:
    with pytest.raises(SystemExit) as ended:
        load_config(file, overrides)
    assert ended.value.code == 2
    line, newline, more = capsys.readouterr().err.partition("\n")
    assert (newline, more) == ("\n", "")
    return line


def test_a_file_and_what_overrides_it(file: Path) -> None:
    config = load_config(file, ("broker.id=2", "listeners=PLAINTEXT://h:1", "log.dirs=/a=b"))
    assert config.broker_id == 2
    assert config.listeners[0].port == 1
    assert config.log_dirs == (Path("/a=b"),)


def test_a_wrong_value_names_file_key_value_and_what_is_allowed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(MINIMAL + "num.partitions=abc\n")
    assert refusal(capsys, file) == (
        f"zbroker: {file}: num.partitions=abc: Not a number of type INT (allowed: INT, at least 1)"
    )


def test_a_wrong_override_is_not_blamed_on_the_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, file, "broker.id=-7").startswith("zbroker: --override: broker.id=-7: ")
    assert refusal(capsys, file, "broker.id") == "zbroker: --override broker.id: must be KEY=VALUE"


def test_a_missing_or_broken_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, tmp_path / "none") == (
        f"zbroker: {tmp_path}/none: No such file or directory"
    )
    assert refusal(capsys, tmp_path) == f"zbroker: {tmp_path}: Is a directory"
    broken = tmp_path / "broken"
    broken.write_bytes(b"a=\\u00\n")
    assert refusal(capsys, broken) == f"zbroker: {broken}: Malformed \\uxxxx encoding."


def test_kraft_is_refused_by_name(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("process.roles=broker,controller\nnode.id=1\n")
    assert "ZooKeeper mode" in refusal(capsys, file)


# A broker that says it runs, and then does what the test wants; in a process of its own, because
# signals and exit codes belong to processes.
STAND_IN = """
import sys, types, logging
import trio, trio.testing
from broker.failure import BrokerFailure

async def run_broker(config, *, shutdown):
    logging.getLogger("stand-in").warning("running as %d", config.broker_id)
    {body}

module = types.ModuleType("broker.run")
module.run_broker = run_broker
sys.modules["broker.run"] = module
from cli.server import main
main()
"""


def start(file: Path, body: str, *arguments: str) -> "subprocess.Popen[str]":
    script = STAND_IN.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip())
    return subprocess.Popen(
        [sys.executable, "-c", script, str(file), "--log-format=text", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def wait_until_running(process: "subprocess.Popen[str]") -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if "running as" in line:
            return
    raise AssertionError("it ended before it ran")


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    assert process.stderr is not None
    with process.stderr:
        errors = process.stderr.read()
    return process.wait(timeout=30), errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.server
def test_the_first_signal_asks_for_an_orderly_end(file: Path, number: signal.Signals) -> None:
    process = start(file, 'await shutdown.wait(); sys.stderr.write("closed cleanly\\n")')
    wait_until_running(process)
    process.send_signal(number)
    code, errors = end(process)
    assert code == 0
    assert f"INFO {number.name}: shutting down in an orderly way (cli.server)" in errors
    assert errors.endswith("closed cleanly\n")


@pytest.mark.server
def test_a_signal_ends_the_waiting_for_zookeeper(file: Path, tmp_path: Path) -> None:
    """As a container that is stopped before its ensemble is there: no wait, no error."""
    file.write_text(
        f"broker.id=1\nlog.dirs={tmp_path / 'data'}\n"
        f"zookeeper.connect=127.0.0.1:{free_port()}\nzookeeper.connection.timeout.ms=60000\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.server", "--log-format=text", str(file)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stderr is not None
    while "session.connecting" not in (line := process.stderr.readline()):
        assert line, "it ended before it waited"
    process.send_signal(signal.SIGTERM)
    code, errors = end(process)  # end() waits for less than the connection timeout
    assert code == 0
    assert "Traceback" not in errors
    assert "broker.stopped" in errors


@pytest.mark.server
def test_a_second_signal_ends_it_at_once(file: Path) -> None:
    process = start(
        file,
        """
        import cli.server
        cli.server.SAME_WISH_S = -1  # any second signal is a second wish
        await shutdown.wait()
        sys.stderr.write("closing\\n")
        await trio.sleep_forever()
        """,
    )
    wait_until_running(process)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    while process.stderr.readline() != "closing\n":
        pass
    process.send_signal(signal.SIGTERM)
    code, errors = end(process)
    assert code == 1
    assert "SIGTERM again: ending at once" in errors


@pytest.mark.server
def test_one_wish_that_comes_as_two_signals_is_one(file: Path) -> None:
    """As from `timeout 60 zbroker FILE`, which sends to the process and then to its group."""
    process = start(
        file,
        """
        import os, signal
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        await shutdown.wait()
        await trio.testing.wait_all_tasks_blocked()
        sys.stderr.write("closed cleanly\\n")
        """,
    )
    code, errors = end(process)
    assert code == 0
    assert errors.endswith("closed cleanly\n")


@pytest.mark.parametrize(
    "body",
    [
        'raise BrokerFailure("127.0.0.1:9092: the port is in use")',
        """
        async with trio.open_nursery() as nursery:
            raise BrokerFailure("127.0.0.1:9092: the port is in use")
        """,
    ],
)
@pytest.mark.server
def test_a_failure_of_the_surroundings_is_one_line(file: Path, body: str) -> None:
    process = start(file, body)
    wait_until_running(process)
    assert end(process) == (1, "zbroker: 127.0.0.1:9092: the port is in use\n")


@pytest.mark.server
def test_a_bug_shows_its_traceback(file: Path) -> None:
    process = start(file, 'raise KeyError("a bug")')
    code, errors = end(process)
    assert code == 1
    assert "Traceback" in errors
    assert "KeyError: 'a bug'" in errors


@pytest.mark.server
def test_names_without_effect_are_warned_of(file: Path) -> None:
    file.write_text(MINIMAL + "num.io.threads=4\nnum.partitons=3\n")
    code, errors = end(start(file, "pass", "--override", "broker.id=5"))
    assert code == 0
    warnings = [line for line in errors.splitlines() if "WARN" in line]
    assert [line.partition(" WARN ")[2] for line in warnings] == [
        f"{file}: recognised, but not in use by zbroker: num.io.threads (broker.config)",
        f"{file}: unknown to Kafka 3.9 and to zbroker, ignored: num.partitons (broker.config)",
        "running as 5 (stand-in)",
    ]


@pytest.mark.server
def test_a_line_of_the_log_looks_like_kafkas(file: Path) -> None:
    _, errors = end(start(file, "pass"))
    time, _, rest = errors.partition("] ")
    assert rest == "WARN running as 1 (stand-in)\n"
    assert len(time) == len("[2026-11-22 10:45:37,123")


@pytest.mark.server
def test_who_collects_the_log_gets_an_object_a_line_to_the_end(file: Path) -> None:
    """Nothing is said, and stderr is no terminal."""
    for body, message in (
        ('raise BrokerFailure("the port is in use")', "the port is in use"),
        ('raise KeyError("a bug")', "defect: the broker ends"),
    ):
        process = start(file, body, "--log-format=auto")
        code, errors = end(process)
        said = [json.loads(line) for line in errors.splitlines()]
        assert code == 1
        assert [each["message"] for each in said] == ["running as 1", message]
        assert (said[-1]["level"], said[-1]["logger"]) == ("FATAL", "zbroker")
        assert ("KeyError: 'a bug'" in said[-1].get("exception", "")) == ("bug" in body)


def test_a_wrong_file_is_answered_without_loading_the_broker(file: Path) -> None:
    """Start-up time: what a broker needs is imported when there is one to start."""
    script = "import sys, cli.server; print([m for m in sys.modules if m in ('trio', 'kazoo')])"
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert answer.stdout == "[]\n"


def test_load_config_gives_what_run_broker_takes(file: Path) -> None:
    assert isinstance(load_config(file), BrokerConfig)
