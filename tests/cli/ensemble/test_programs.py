"""What a message tells its reader to type, works where it is read."""

from pathlib import Path

import pytest

from cli.ensemble.programs import as_typed, zbroker_command


def test_a_program_on_the_path_is_called_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zbroker").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert as_typed("zbroker") == "zbroker"


def test_else_by_the_path_of_the_environment_it_is_installed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv/bin/python"))
    assert as_typed("zbroker") == str(tmp_path / ".venv/bin/zbroker")
    monkeypatch.chdir(tmp_path)
    assert as_typed("zbroker") == ".venv/bin/zbroker"


def test_a_broker_logs_for_people_unless_they_say_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ZBROKER_LOG_FORMAT", raising=False)
    assert "--log-format=text" in zbroker_command(Path("server.properties"))
    monkeypatch.setenv("ZBROKER_LOG_FORMAT", "json")
    assert "--log-format=json" in zbroker_command(Path("server.properties"))
