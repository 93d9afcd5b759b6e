"""The wheel has all of the code and its data and nothing besides; installed, both commands run."""

import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.packaging.building import ROOT, build, copy_of_the_source, unpacked

# It fetches what requirements.lock names, or takes it from pip's cache.
pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]

PACKAGES = ("broker", "cli", "coordination")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packaging")


@pytest.fixture(scope="module")
def source(directory: Path) -> Path:
    return copy_of_the_source(directory)


@pytest.fixture(scope="module")
def wheel(source: Path, directory: Path) -> Path:
    return build("wheel", source, directory / "dist")


@pytest.fixture(scope="module")
def venv(wheel: Path, directory: Path) -> Path:
    """A new virtual environment with the dependencies of the lock and the wheel, and no more."""
    venv = directory / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)], directory)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(venv)]
    install = [*pip, "install", "--quiet"]
    run([*install, "--require-hashes", "--requirement", str(ROOT / "requirements.lock")], directory)
    run([*install, "--no-deps", "--no-index", str(wheel)], directory)
    assert "No broken requirements" in run([*pip, "check"], directory)
    return venv


def run(argv: list[str], cwd: Path, expected: int = 0) -> str:
    result = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == expected, result.stdout + result.stderr
    return result.stdout + result.stderr


def names_in(wheel: Path) -> set[str]:
    """What it installs, but for the description of itself."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_has_the_code_and_its_data_and_nothing_else(wheel: Path) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names_in(wheel) == expected
    assert any(PurePosixPath(name).suffix == ".json" for name in expected)


def test_the_sdist_makes_the_same_wheel(source: Path, wheel: Path, directory: Path) -> None:
    sdist = build("sdist", source, directory / "sdist")
    again = build("wheel", unpacked(sdist, directory / "unpacked"), directory / "again")
    assert names_in(again) == names_in(wheel)


@pytest.mark.parametrize("command", ["zbroker", "zbroker-admin"])
def test_an_installed_command_runs(venv: Path, directory: Path, command: str) -> None:
    program = str(venv / "bin" / command)
    assert run([program, "--version"], directory).startswith(f"{command}, version 0.")
    assert f"Usage: {command} " in run([program, "--help"], directory)


def test_an_installed_broker_reads_its_file(venv: Path, directory: Path) -> None:
    """As far as one comes without a ZooKeeper: its modules are there, nobody is at the address."""
    file = directory / "server.properties"
    file.write_text(
        f"broker.id=1\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs={directory / 'data'}\n"
        "zookeeper.connect=127.0.0.1:1\nzookeeper.connection.timeout.ms=100\n"
        "http.listener=HTTP://127.0.0.1:0\n"
    )
    said = run([str(venv / "bin/zbroker"), "--log-format=text", str(file)], directory, expected=1)
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("zbroker: ")
    file.write_text("broker.id=x\n")
    run([str(venv / "bin/zbroker"), str(file)], directory, expected=2)


def test_every_module_can_be_imported_where_only_the_wheel_is(venv: Path, directory: Path) -> None:
    modules = [
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__main__.py"
    ]
    script = "import sys, importlib; [importlib.import_module(name) for name in sys.argv[1:]]"
    run([str(venv / "bin/python"), "-W", "error", "-c", script, *modules], directory)
    for absent in ("tests", "compose"):
        run([str(venv / "bin/python"), "-c", f"import {absent}"], directory, expected=1)
