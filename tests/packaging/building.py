"""Our wheel and our sdist, built as pip does it: from a copy of the source, by its own backend."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Tests and compose files come along, to be left out.
SOURCE = ("broker", "cli", "coordination", "tests", "compose", "examples")
FILES = ("setup.cfg", "pyproject.toml", "README.md", "requirements.lock", "Makefile")


def copy_of_the_source(directory: Path) -> Path:
    """Without what a checkout gathers (caches, a virtual environment)."""
    source = directory / "source"
    for name in SOURCE:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    for name in FILES:
        shutil.copy(ROOT / name, source)
    return source


def build(kind: str, source: Path, directory: Path) -> Path:
    """`kind`: wheel or sdist. The file that came of it."""
    directory.mkdir(exist_ok=True)
    script = (
        "import sys; from setuptools import build_meta;"
        f"print('built', build_meta.build_{kind}(sys.argv[1]))"
    )
    built = subprocess.run(
        [sys.executable, "-c", script, str(directory)],
        cwd=source,
        env=os.environ | {"PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return directory / built.stdout.split()[-1]


def unpacked(sdist: Path, directory: Path) -> Path:
    """The source that is in it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    [source] = directory.iterdir()
    return source
