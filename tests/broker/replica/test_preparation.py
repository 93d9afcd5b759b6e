"""What takes long to open or to compress isn't the event loop's work; nothing is done twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from broker.broker import Broker
from broker.log import conversion
from broker.log.log_config import LogConfig, TimestampType
from broker.log.validation import Prepared
from broker.replica.append import ALL, append
from broker.replica.preparation import Entries, prepare
from broker.wire.compression import Compression, compress
from broker.wire.errors import ErrorCode
from broker.wire.format_conversion import message_set_of
from broker.wire.record_batch import RecordBatch, batches, build_batch, with_records
from broker.wire.records import Record
from tests.broker.log.logs import make_batch
from tests.broker.support import lead, open_broker, tp

T0 = tp("t-0")
BOMB = make_batch("x" * (1 << 20), compression=Compression.ZSTD)
PACKED = make_batch("a", "b", compression=Compression.LZ4)
PLAIN = make_batch("x" * 20_000)


def many(count: int, compression: Compression = Compression.NONE) -> bytearray:
    """Of the smallest records, numbered wrongly: all as the first one."""
    batch = build_batch([Record(timestamp_ms=0)] * count)
    smallest = b"\x0c\0\0\0\1\1\0"
    return with_records(
        next(batches(batch)),
        compress(compression, smallest * count),
        count,
        attributes=compression,
        base_timestamp_ms=0,
        max_timestamp_ms=0,
    )


def keyed(count: int) -> bytearray:
    return make_batch(*["v"] * count, key="k")


COMPACTED = {"log_cleanup_policy": "compact"}


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
        pytest.param(many(4000), {}, ["loop"], id="soon counted"),
        pytest.param(many(4001), {}, ["thread"], id="counted by a thread"),
        pytest.param(many(1000, Compression.GZIP), {}, ["loop"], id="soon opened and counted"),
        pytest.param(many(10_000, Compression.GZIP), {}, ["thread"], id="many in few bytes"),
        pytest.param(keyed(250), COMPACTED, ["loop"], id="soon decoded"),
        pytest.param(keyed(251), COMPACTED, ["thread"], id="decoded by a thread"),
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


async def test_batches_that_are_many_together_are_looked_into_beforehand(
    tmp_path: Path, by: list[str]
) -> None:
    """Else a request of a hundred partitions would be a hundred times as long, and none between."""
    async with open_broker(tmp_path) as broker:
        names = [f"t-{n}" for n in range(4)]
        for name in names:
            await lead(broker, name)
        entries: Entries = {tp(name): memoryview(many(1500)) for name in names}
        await prepared(broker, entries, by)
        assert [isinstance(entries[tp(name)], Prepared) for name in names] == [0, 0, 1, 1]
        assert by == ["loop", "loop"]
        assert [a.error for a in append(broker.replicas, entries.items(), ALL)] == [None] * 4
        assert by == ["loop"] * 4


async def test_others_have_their_turn_between_the_batches_of_a_request(tmp_path: Path) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with open_broker(tmp_path) as broker, trio.open_nursery() as nursery:
        for n in range(10):
            await lead(broker, f"t-{n}")
        packed = many(1000, Compression.GZIP)  # to number them takes milliseconds
        entries: Entries = {tp(f"t-{n}"): memoryview(bytearray(packed)) for n in range(10)}
        nursery.start_soon(others)
        await trio.lowlevel.checkpoint()
        before = turns
        await prepare(broker.replicas, entries)
        assert turns - before >= 5
        nursery.cancel_scope.cancel()


async def test_what_the_config_has_changed_for_is_prepared_again(tmp_path: Path) -> None:
    """By `prepare`: the append would have to do it in the loop."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        log = broker.replicas.partitions[T0].log
        in_thread = trio.to_thread.run_sync

        async def meanwhile(work: Callable[..., Any], *args: Any, **more: Any) -> Any:
            answer = await in_thread(work, *args, **more)
            if log.config.compression_type is not Compression.GZIP:
                log.update_config(attrs.evolve(log.config, compression_type=Compression.GZIP))
            return answer

        entries: Entries = {T0: memoryview(BOMB)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trio.to_thread, "run_sync", meanwhile)
            await prepare(broker.replicas, entries)
        ready = entries[T0]
        assert isinstance(ready, Prepared)
        assert ready.config is log.config
        assert isinstance(ready.outcome, RecordBatch)
        assert ready.outcome.codec == Compression.GZIP


async def test_what_has_come_to_this_broker_meanwhile_is_prepared_too(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        in_thread = trio.to_thread.run_sync

        async def meanwhile(work: Callable[..., Any], *args: Any, **more: Any) -> Any:
            patch.undo()
            await lead(broker, "u-0")
            return await in_thread(work, *args, **more)

        entries: Entries = {tp("u-0"): memoryview(BOMB), T0: memoryview(BOMB)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trio.to_thread, "run_sync", meanwhile)
            await prepare(broker.replicas, entries)
        assert all(isinstance(ready, Prepared) for ready in entries.values())


@pytest.mark.parametrize("codec", [None, Compression.NONE, Compression.LZ4])
@pytest.mark.parametrize("appends_time", [False, True])
def test_one_look_at_a_plain_batch_says_what_two_say(
    codec: Compression | None, appends_time: bool
) -> None:
    kind = TimestampType.LOG_APPEND_TIME if appends_time else TimestampType.CREATE_TIME
    old = message_set_of(make_batch("a"), 1, 0, 1 << 20)
    each: list[bytes | bytearray | memoryview] = [
        PLAIN,
        PACKED,
        many(300),
        keyed(9),
        old,
        b"",
        b"short",
        bytes(70),
        bytes(PLAIN)[:61],
    ]
    for policy in ({"delete"}, {"compact"}):
        config = LogConfig(
            compression_type=codec,
            message_timestamp_type=kind,
            message_timestamp_before_max_ms=5,
            cleanup_policy=frozenset(policy),
        )
        for data in each:
            records = memoryview(data)
            prepares = conversion.must_prepare(records, config)
            expected = None if prepares else conversion.work_of(records, config)
            assert conversion.plain_work_of(records, config) == expected
