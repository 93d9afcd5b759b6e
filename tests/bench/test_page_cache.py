import subprocess
from pathlib import Path

import pytest

from tests.bench import page_cache

PAGES = 64


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "segment.log"
    path.write_bytes(b"x" * 4096 * PAGES)
    return path


def on_a_disk(file: Path) -> bool:
    argv = ["stat", "--file-system", "--format", "%T", str(file)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout != "tmpfs\n"


def test_what_was_just_written_is_in_memory(file: Path) -> None:
    assert page_cache.resident_part([file]) == 1.0


def test_what_was_dropped_is_not_and_what_is_read_again_is(file: Path) -> None:
    if not on_a_disk(file):
        pytest.skip("temporary files are kept in memory here")
    page_cache.drop([file])
    assert page_cache.resident_part([file]) == 0.0
    file.read_bytes()
    assert page_cache.resident_part([file]) == 1.0


def test_a_file_that_stays_in_memory_is_told_of(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache.os, "posix_fadvise", lambda *_: None)
    with pytest.raises(page_cache.StillCached, match="100% of the files"):
        page_cache.drop([file])


def test_an_empty_file_has_no_pages(tmp_path: Path) -> None:
    empty = tmp_path / "empty.log"
    empty.touch()
    assert page_cache.resident_part([empty]) == 0.0
