"""Log files that are cut while their writer has them open."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from cli.ensemble import log_files
from cli.ensemble.log_files import keep_short


@pytest.fixture(autouse=True)
def ten_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MAX_LOG_BYTES", 10)


async def test_the_writer_goes_on_at_the_beginning(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    log = tmp_path / "broker-1.log"
    other = tmp_path / "zookeeper.log"
    other.write_bytes(b"short")
    with log.open("ab", buffering=0) as writer:
        writer.write(b"0123456789")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_short, [log, other])
            await wait_all_tasks_blocked()
            assert log.read_bytes() == b"0123456789", "not longer than it may be"
            for number in (b"first", b"second"):
                writer.write(number * 3)
                await trio.sleep(log_files.LOOK_EVERY_S + 1)
                assert log.read_bytes() == b""
                assert (tmp_path / "broker-1.log.1").read_bytes().endswith(number * 3)
            nursery.cancel_scope.cancel()
        writer.write(b"third")
    assert log.read_bytes() == b"third"
    assert (tmp_path / "broker-1.log.1").read_bytes() == b"second" * 3
    assert other.read_bytes() == b"short"
