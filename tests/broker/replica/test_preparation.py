"""What takes long to open or to compress isn't the event loop's work; nothing is done twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from broker.broker import Broker
from broker.log import conversion
from broker.log.validation import Prepared
from broker.replica.append import ALL, append
from broker.replica.preparation import Entries, prepare
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode
from broker.wire.format_conversion import message_set_of
from tests.broker.log.logs import make_batch
from tests.broker.support import lead, open_broker, tp

T0 = tp("t-0")
BOMB = make_batch("x" * (1 << 20), compression=Compression.ZSTD)
PACKED = make_batch("a", "b", compression=Compression.LZ4)
PLAIN = make_batch("x" * 20_000)


@pytest.fixture
def by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of each batch that was looked into: who did it, the loop or a thread."""
    found: list[str] = []
    check = conversion.check_batch

    def noted(*args: Any) -> Any:
        found.append("loop")
        return check(*args)

    monkeypatch.setattr(conversion, "check_batch", noted)
    return found


async def prepared(broker: Broker, entries: Entries, by: list[str]) -> None:
    """`prepare`; what it has done in threads is noted as theirs."""
    in_thread = trio.to_thread.run_sync

    async def noted(work: Callable[..., Any], *args: Any, **more: Any) -> Any:
        answer = await in_thread(work, *args, **more)
        by[-1:] = ["thread"] if by else []
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trio.to_thread, "run_sync", noted)
        await prepare(broker.replicas, entries)


@pytest.mark.parametrize(
    ("sent", "config", "expected"),
    [
        pytest.param(PLAIN, {}, ["loop"], id="only counted, as it's appended"),
        pytest.param(PACKED, {}, ["loop"], id="soon opened"),
        pytest.param(BOMB, {}, ["loop", "thread"], id="given up, and opened by a thread"),
        pytest.param(PLAIN, {"compression_type": "gzip"}, ["thread"], id="compressed by a thread"),
        pytest.param(PACKED[:-1], {}, [], id="no batch"),
    ],
)
async def test_who_opens_a_batch(
    tmp_path: Path, by: list[str], sent: bytearray, config: dict[str, str], expected: list[str]
) -> None:
    async with open_broker(tmp_path, **config) as broker:
        await lead(broker, "t-0")
        entries: Entries = {T0: memoryview(bytearray(sent)), tp("u-0"): memoryview(sent)}
        await prepared(broker, entries, by)
        [appended] = append(broker.replicas, [(T0, entries[T0])], ALL)
        assert by == expected
        assert (appended.error is None) == bool(expected)
        assert entries[tp("u-0")] == sent, "there is no such log, and so no work"


async def test_small_messages_are_converted_by_a_thread(tmp_path: Path, by: list[str]) -> None:
    """A wrapper of some kilobytes may hold a million of them."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        by.append("loop")
        entries: Entries = {T0: memoryview(message_set_of(make_batch("a"), 1, 0, 1 << 20))}
        await prepared(broker, entries, by)
        assert by == ["thread"]


async def test_a_refusal_is_found_once(tmp_path: Path, by: list[str]) -> None:
    """A hundred megabytes that are refused are not opened again by the event loop."""
    broken = bytearray(BOMB)
    broken[-1] ^= 1
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        entries: Entries = {T0: memoryview(broken)}
        await prepared(broker, entries, by)
        assert isinstance(entries[T0], Prepared)
        [appended] = append(broker.replicas, entries.items(), ALL)
        assert appended.error is not None
        assert appended.error.code is ErrorCode.CORRUPT_MESSAGE
        assert by == ["loop", "thread"]
