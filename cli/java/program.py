"""Run a Java program from its sources, without a JDK.

    python -m cli.java.program LOCK DIR examples.WordCount ARGUMENT..

The compiler is Eclipse's (ecj): one jar, that needs a Java runtime and no more. Classes are kept
in `build/java/`, in a directory named by what they were made of (the sources, the class path), so
an unchanged program starts without compiling; each directory is made whole beside its place and
then renamed, so two may compile at once.

`make -C examples` and tests run it; whoever has a JDK and Maven finds a pom.xml beside the sources.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from cli.java.artifacts import ArtifactError, class_path
from cli.java.progress import download_bar
from cli.java.runtime import java_command

COMPILER_LOCK = Path(__file__).with_name("compiler.lock")
COMPILER = "org.eclipse.jdt.internal.compiler.batch.Main"
JAVA_VERSION = "17"
CLASSES = Path(__file__).parents[2] / "build" / "java"
COMPILER_HEAP_MB = 256
PROGRAM_HEAP_MB = 256

# RocksDB and the compressions are native libraries; without this, Java warns of them at length.
NATIVE_ACCESS = "--enable-native-access=ALL-UNNAMED"

LOGGING = {
    "org.slf4j.simpleLogger.showDateTime": "true",
    "org.slf4j.simpleLogger.dateTimeFormat": "HH:mm:ss.SSS",
}


def program_command(
    lock_file: Path, sources: Path, main_class: str, *arguments: str, log_level: str = "error"
) -> list[str]:
    """The argv that runs `main_class` of the sources below a directory, compiled if need be.

    Raises ArtifactError if jars are missing or the sources can't be compiled.
    """
    jars = class_path(lock_file, progress=download_bar)
    java, *others = java_command(
        [compiled(sources, jars), *jars],
        main_class,
        *arguments,
        heap_mb=PROGRAM_HEAP_MB,
        properties=LOGGING | {"org.slf4j.simpleLogger.defaultLogLevel": log_level},
    )
    return [java, NATIVE_ACCESS, *others]


def compiled(sources: Path, jars: Sequence[Path]) -> Path:
    """The directory with the classes of all `*.java` files below `sources`."""
    files = sorted(sources.rglob("*.java"))
    digest = hashlib.sha256()
    for each in (*files, *jars):
        digest.update(str(each.relative_to(sources) if each in files else each.name).encode())
        digest.update(each.read_bytes() if each in files else b"")
    classes = CLASSES / f"{sources.name}-{digest.hexdigest()[:16]}"
    if not classes.exists():
        CLASSES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CLASSES) as made:
            _compile(files, jars, Path(made, "classes"))
            try:
                Path(made, "classes").rename(classes)
            except OSError:
                if not classes.exists():  # somebody else was quicker
                    raise
    return classes


def _compile(files: Sequence[Path], jars: Sequence[Path], into: Path) -> None:
    compiler = java_command(
        class_path(COMPILER_LOCK, progress=download_bar),
        COMPILER,
        f"-{JAVA_VERSION}",
        *("-encoding", "UTF-8", "-proc:none", "-warn:none", "-d", str(into)),
        *("-classpath", os.pathsep.join(map(str, jars))),
        *map(str, files),
        heap_mb=COMPILER_HEAP_MB,
    )
    result = subprocess.run(compiler, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        shutil.rmtree(into, ignore_errors=True)
        raise ArtifactError(f"can't compile:\n{result.stdout}{result.stderr}")


@click.command(help=__doc__, context_settings={"ignore_unknown_options": True})
@click.argument("lock_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("sources", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("main_class")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def main(lock_file: Path, sources: Path, main_class: str, arguments: tuple[str, ...]) -> None:
    try:
        argv = program_command(lock_file, sources, main_class, *arguments)
    except ArtifactError as error:
        raise click.ClickException(str(error)) from None
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
