"""A locked class path: the jars a lock file names, from the local Maven repository or downloaded.

A lock file has one jar a line, its Maven coordinate and its SHA-256; `#` starts a comment:

    org.apache.zookeeper:zookeeper:3.9.5 4e1d...

The local repository is Maven's own (`M2_REPO`, else `~/.m2/repository`), shared with every other
Maven user of the machine. jgo downloads what is missing, into a directory of ours inside that
repository; only a file with the right checksum is renamed to its place. So two processes may
download at once, and an interrupted one leaves nothing that Maven could mistake for a jar.

Each start reads and hashes the jars again (5 MB for ZooKeeper: 10 ms), instead of keeping a file
that says they were right once.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import attrs

DOWNLOAD_TIMEOUT_S = 30.0

# Called with a jar's file name and size in bytes when its download starts; yields a function to be
# called with the number of bytes of each piece that arrived. (The shape jgo asks for.)
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


class ArtifactError(Exception):
    """A class path cannot be had. The text is one line: what is wrong and what helps."""


@attrs.frozen
class LockedArtifact:
    """One line of a lock file."""

    group_id: str
    artifact_id: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.group_id}:{self.artifact_id}:{self.version}"

    @property
    def path(self) -> Path:
        """The jar's path inside any Maven repository."""
        directory = Path(*self.group_id.split("."), self.artifact_id, self.version)
        return directory / f"{self.artifact_id}-{self.version}.jar"


def read_lock(lock_file: Path) -> list[LockedArtifact]:
    """The artifacts of a lock file, in its order, which is the class path's order."""
    artifacts = []
    for number, line in enumerate(lock_file.read_text().splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            coordinate, sha256 = text.split()
            group_id, artifact_id, version = coordinate.split(":")
        except ValueError:
            raise ArtifactError(
                f"{lock_file}:{number}: expected 'group:artifact:version sha256', found {text!r}"
            ) from None
        artifacts.append(LockedArtifact(group_id, artifact_id, version, sha256))
    return artifacts


def local_repository() -> Path:
    """Maven's local repository, by the same rule as jgo."""
    return Path(os.environ.get("M2_REPO") or "~/.m2/repository").expanduser()


def class_path(
    lock_file: Path,
    *,
    repository: Path | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """The jars of `lock_file`, downloaded where they are missing.

    Raises ArtifactError if one cannot be downloaded, or differs from its checksum.
    """
    repository = repository or local_repository()
    artifacts = read_lock(lock_file)
    missing = []
    for artifact in artifacts:
        jar = repository / artifact.path
        if not jar.exists():
            missing.append(artifact)
        elif sha256_of(jar) != artifact.sha256:
            # Maybe somebody else's file: theirs to judge and remove, not ours.
            raise ArtifactError(f"{jar} is not the {artifact} we know: remove it and try again")
    if missing:
        _download(missing, repository, progress)
    return [repository / artifact.path for artifact in artifacts]


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(
    artifacts: Sequence[LockedArtifact], repository: Path, progress: Progress | None
) -> None:
    try:
        repository.mkdir(parents=True, exist_ok=True)
        # Beside the jars, because a rename must not cross file systems.
        with tempfile.TemporaryDirectory(prefix=".zbroker-", dir=repository) as incoming:
            for artifact in artifacts:
                jar = _download_one(artifact, Path(incoming), progress)
                if sha256_of(jar) != artifact.sha256:
                    raise ArtifactError(
                        f"the download of {artifact} does not have the locked checksum: "
                        "a broken mirror or an altered file, refused"
                    )
                target = repository / artifact.path
                target.parent.mkdir(parents=True, exist_ok=True)
                jar.rename(target)
    except OSError as error:
        raise ArtifactError(f"cannot store jars in {repository}: {error}") from None


def _download_one(artifact: LockedArtifact, incoming: Path, progress: Progress | None) -> Path:
    """Let jgo fetch one jar into `incoming`, from the repositories of the user's jgo settings."""
    # Imported here: jgo takes 0.4 s, and a start that has its jars needs none of it.
    import requests
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=incoming,
        # jgo's own default (Maven Central) when its settings name no repository.
        remote_repos=GlobalSettings.load().repositories or None,
        timeout=int(DOWNLOAD_TIMEOUT_S),
    )
    project = context.project(artifact.group_id, artifact.artifact_id)
    try:
        return project.at_version(artifact.version).artifact().resolve()
    except requests.RequestException as error:
        raise ArtifactError(
            f"cannot download {artifact}, needed once: no network? ({type(error).__name__})"
        ) from None
    except RuntimeError:
        # jgo's way to say that every repository answered, and none with the file.
        raise ArtifactError(
            f"no Maven repository that jgo knows has {artifact} (see ~/.config/jgo.conf)"
        ) from None
