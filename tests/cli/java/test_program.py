"""Java sources are compiled once, and run."""

import subprocess
from pathlib import Path

import pytest

from cli.java import program
from cli.java.artifacts import ArtifactError

LOCK = "# no jars\n"
HELLO = """
public final class Hello {
    public static void main(String[] arguments) { System.out.println("hello " + arguments[0]); }
}
"""


@pytest.mark.server  # downloads the compiler, 3 MB, once
def test_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "CLASSES", tmp_path / "classes")
    lock, sources = tmp_path / "empty.lock", tmp_path / "sources"
    lock.write_text(LOCK)
    sources.mkdir()
    (sources / "Hello.java").write_text(HELLO)
    argv = program.program_command(lock, sources, "Hello", "you")
    assert subprocess.run(argv, capture_output=True, check=True).stdout == b"hello you\n"

    (made,) = (tmp_path / "classes").iterdir()
    monkeypatch.setattr(program, "_compile", None)
    assert program.program_command(lock, sources, "Hello", "you") == argv, "compiled again"
    monkeypatch.undo()
    monkeypatch.setattr(program, "CLASSES", tmp_path / "classes")

    (sources / "Hello.java").write_text(HELLO.replace("hello", "oops").replace(";", ""))
    with pytest.raises(ArtifactError, match=r"(?s)can't compile:.*ERROR in .*Hello.java"):
        program.program_command(lock, sources, "Hello", "you")
    assert list((tmp_path / "classes").iterdir()) == [made], "something was left"
