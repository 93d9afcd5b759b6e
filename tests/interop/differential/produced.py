"""Batches for Produce: good ones of all codecs and kinds of producers, and others that lie."""

from typing import Any

import attrs
from hypothesis import strategies as st

from broker.wire.compression import Compression
from broker.wire.record_batch import build_batch
from broker.wire.records import Header, Record
from tests.interop.differential.symbols import Names, Symbol
from tests.support.batches import lying

TIMESTAMP_MS = 1_700_000_000_000


@attrs.frozen
class Produced:
    """A batch, which is built for each broker: a producer's id is a symbol."""

    records: tuple[Record, ...] = (Record(b"k", b"v", TIMESTAMP_MS),)
    codec: Compression = Compression.NONE
    producer: Any = -1
    epoch: Any = -1
    sequence: int = -1
    transactional: bool = False
    control: bool = False
    lies: tuple[tuple[str, int], ...] = ()  # about fields of the header
    cut_bytes: int = 0
    behind: bytes = b""

    def on(self, names: Names) -> bytes:
        data = bytes(
            build_batch(
                list(self.records),
                compression=self.codec,
                producer_id=_value(self.producer, names),
                producer_epoch=_value(self.epoch, names),
                base_sequence=self.sequence,
                is_transactional=self.transactional,
                is_control=self.control,
            )
        )
        if self.lies:
            data = lying(data, **dict(self.lies))
        return data[: len(data) - self.cut_bytes] + self.behind


def _value(number: Any, names: Names) -> int:
    found: int = number.on(names) if isinstance(number, Symbol) else number
    return found


_header: st.SearchStrategy[Header] = st.sampled_from([("h", b"v"), ("h", None), ("", b"")])
_key = st.sampled_from([b"k", b"k", b"other", b"", None])
_value_bytes = st.sampled_from([b"v", b"v", b"", None, b"long" * 50])
_timestamp_ms = st.sampled_from([TIMESTAMP_MS + delta for delta in (0, 0, 0, 1, 2, 3)])
_odd_timestamp_ms = st.sampled_from([-1, -2, 0, 2**63 - 1, TIMESTAMP_MS - 10**12])


def records() -> st.SearchStrategy[Record]:
    """A record; seldom with a timestamp that is none."""
    return st.builds(
        Record,
        _key,
        _value_bytes,
        st.one_of(*[_timestamp_ms] * 7, _odd_timestamp_ms),
        st.lists(_header, max_size=1).map(tuple),
    )


_LIES = (
    ("base_offset", [1, -1, 2**63 - 1]),
    ("length", [0, 13, 14, 20, 48, 49, 50, -1, 1000]),
    ("leader_epoch", [0, 5, -2]),
    ("magic", [-1, 0, 1, 3]),
    ("crc", [0, 1]),
    ("attributes", [1, 4, 5, 7, 8, 16, 32, 64, 128, 2**14]),
    ("last_offset_delta", [-1, 0, 1, 2, 5, 2**31 - 1]),
    ("base_timestamp", [0, -1, 2**63 - 1]),
    ("max_timestamp", [0, -1, TIMESTAMP_MS + 7, 2**63 - 1]),
    ("producer_id", [-2, 0, 5]),
    ("producer_epoch", [-2, 0, 5]),
    ("sequence", [-2, 0, 5, 2**31 - 1]),
    ("count", [-1, 0, 1, 2, 5, 2**31 - 1]),
)
_lie = st.sampled_from([(name, value) for name, values in _LIES for value in values])
_producers = st.sampled_from([("ongoing", True), ("ended", True), ("this", True), ("fresh", False)])
_sequence = st.sampled_from([0, 0, 1, 1, 2, 3, 5, -1, 2**31 - 1])
_codec = st.sampled_from([*[Compression.NONE] * 4, *Compression])


def batches() -> st.SearchStrategy[Produced]:
    """Mostly good ones, of all kinds; some with a fault.

    None with a record that is damaged inside: Kafka opens each, we leave that to its producer (see
    `broker.log.validation`), and the two logs would part.
    """
    some = st.lists(records(), min_size=1, max_size=3).map(tuple)
    plain = st.builds(Produced, some, _codec)
    of_a_producer = st.builds(_by_producer, plain, _producers, _sequence)
    good = st.one_of(plain, plain, of_a_producer)
    bad = st.one_of(
        st.builds(lambda batch, lie: attrs.evolve(batch, lies=(lie,)), good, _lie),
        st.builds(lambda batch, n: attrs.evolve(batch, cut_bytes=n), good, st.integers(1, 70)),
        st.builds(
            lambda batch, behind: attrs.evolve(batch, behind=behind),
            good,
            st.sampled_from([b"\0", b"12345", bytes(17), b"a" * 70, bytes(100)]),
        ),
        st.builds(lambda batch: attrs.evolve(batch, control=True), good),
    )
    return st.one_of(*[good] * 5, bad, bad)


def _by_producer(batch: Produced, producer: tuple[str, bool], sequence: int) -> Produced:
    name, transactional = producer
    return attrs.evolve(
        batch,
        producer=Symbol("producer", name),
        epoch=Symbol("epoch", name),
        sequence=sequence,
        transactional=transactional,
    )
