"""The locked class path: only what a checksum vouches for, and one line when it cannot be had."""

import hashlib
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.java.artifacts import ArtifactError, class_path, local_repository, read_lock

JAR = b"a jar"
SHA256 = hashlib.sha256(JAR).hexdigest()


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    file = tmp_path / "some.lock"
    file.write_text(f"# a comment\n\norg.example:thing:1.0 {SHA256}\n")
    return file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "repository"


def put(repository: Path, content: bytes) -> Path:
    jar = repository / "org/example/thing/1.0/thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(content)
    return jar


def test_a_jar_that_is_there_needs_no_network(
    lock_file: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_to_the_world(monkeypatch)
    jar = put(repository, JAR)
    assert class_path(lock_file, repository=repository) == [jar]


@pytest.mark.long
def test_a_missing_jar_without_a_network_is_one_line(
    lock_file: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_to_the_world(monkeypatch)
    with pytest.raises(ArtifactError, match=r"^cannot download org.example:thing:1.0, needed once"):
        class_path(lock_file, repository=repository)
    assert list(repository.rglob("*")) == []  # no half jar, nothing of ours


def test_somebody_s_altered_jar_is_refused_and_left_alone(
    lock_file: Path, repository: Path
) -> None:
    jar = put(repository, b"something else")
    with pytest.raises(ArtifactError, match=r"thing-1.0.jar is not the org.example:thing:1.0 we"):
        class_path(lock_file, repository=repository)
    assert jar.read_bytes() == b"something else"


@pytest.mark.parametrize("line", ["org.example:thing:1.0", "org.example:thing 00", "a b c"])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.lock"
    file.write_text(f"# header\n{line}\n")
    with pytest.raises(ArtifactError, match=r"bad.lock:2: expected 'group:artifact:version sha256"):
        read_lock(file)


def test_the_local_repository_is_maven_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("M2_REPO", raising=False)
    assert local_repository() == Path.home() / ".m2" / "repository"
    monkeypatch.setenv("M2_REPO", "/elsewhere")
    assert local_repository() == Path("/elsewhere")


@pytest.mark.server  # uses the network
def test_a_download_is_checked_and_arrives_whole(tmp_path: Path, repository: Path) -> None:
    api = "org.slf4j:slf4j-api:2.0.13"
    right = "e7c2a48e8515ba1f49fa637d57b4e2f590b3f5bd97407ac699c3aa5efb1204a9"
    seen: list[tuple[str, int]] = []
    pieces: list[int] = []

    @contextmanager
    def progress(file_name, size_bytes):
        seen.append((file_name, size_bytes))
        yield pieces.append

    lock = tmp_path / "api.lock"
    lock.write_text(f"{api} {'0' * 64}\n")
    with pytest.raises(ArtifactError, match="does not have the locked checksum"):
        class_path(lock, repository=repository)
    assert list(repository.rglob("*.jar")) == []

    lock.write_text(f"{api} {right}\n")
    [jar] = class_path(lock, repository=repository, progress=progress)
    assert seen == [("slf4j-api-2.0.13.jar", jar.stat().st_size)]
    assert sum(pieces) == jar.stat().st_size
    assert [file.name for file in repository.iterdir()] == ["org"]


def closed_to_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every download goes to a proxy that is not there."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
