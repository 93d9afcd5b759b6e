"""The latest offset of each key in the dirty part of a log, packed: 24 bytes a key.

    slot    | first hash | second hash | offset |     a prime number of slots, in one array
              i64, 0 is    i64           i64
              an empty one

A key is told by 128 bits, not kept: two SipHashes, of the key and of the key behind a zero byte,
under the random key of this process. (Kafka takes MD5's 128 bits. Python's own hash of bytes costs
a quarter of that, and nobody can make up two keys that it takes for the same.) A slot that is taken
sends the search on by a step that the second hash gives.

Beside it lies one byte for each offset of the dirty part: whether the record there is, so far, the
latest of its key. That spares the second look at a record: whether a whole batch stays or goes is
seen without opening it. These fates take an eighth of the map's memory at most; of what lies
farther on, the keys are looked up once more, as they are of the clean part.

The map is full at `load_factor` of its slots, of which one is always empty: the search for a key
that isn't there ends at it. Then the round ends at the record before, and the next one begins
there: the log is cleaned in several rounds (Kafka's too).

Source: Kafka's `SkimpyOffsetMap`, `Cleaner.buildOffsetMap`.
"""

from array import array
from typing import Final

from broker.log.cleaner.records import keyed_records, malformed
from broker.wire.record_batch import RecordBatch

ENTRY_BYTES: Final = 24
_FATES_PART: Final = 8  # of the map's memory, beside it
_LEAST_LOAD: Final = 0.01

# What becomes of a record.
GOES: Final = 0
STAYS: Final = 1
STAYS_AS_TOMBSTONE: Final = 2  # unless its batch's delete horizon is over


class OffsetMap:
    """Of one round, which begins at `start_offset`."""

    def __init__(
        self, start_offset: int, end_offset: int, memory_bytes: int, load_factor: float
    ) -> None:
        """`end_offset` bounds what may be put; a short range gets a small map.

        load_factor: log.cleaner.io.buffer.load.factor, which may be any number.
        """
        load = max(_LEAST_LOAD, min(1.0, load_factor))
        self.start_offset = start_offset
        self._end_offset = end_offset
        enough = int((end_offset - start_offset) / load) + 2
        self.slots = _prime_at_most(min(max(memory_bytes // ENTRY_BYTES, 2), enough))
        self._most_keys = max(min(int(self.slots * load), self.slots - 1), 1)
        self._table = array("q", (0,)) * (3 * self.slots)
        # Of offsets from start_offset on, as many as there may be.
        self._fates = bytearray()
        self._most_fates = min(memory_bytes // _FATES_PART, end_offset - start_offset)
        self.keys = 0
        self.latest_offset = start_offset - 1

    def put_batch(self, batch: RecordBatch, body: bytes) -> bool:
        """Take in the records from `start_offset` on; False if the map is full before its end.

        `body` is the records section, not compressed. INVALID_RECORD.
        """
        table, slots, fates = self._table, self.slots, self._fates
        base_offset, start_offset = batch.base_offset, self.start_offset
        keys, latest_offset, most_keys = self.keys, self.latest_offset, self._most_keys
        last_delta, end_offset = batch.last_offset_delta, self._end_offset
        self._cover(min(batch.end_offset, end_offset))
        fates_end_offset = start_offset + len(fates)
        for delta, key, has_value in keyed_records(body, batch.count):
            offset = base_offset + delta
            if delta > last_delta:
                raise malformed(batch.count, body)
            if offset < start_offset or key is None:
                continue
            if offset >= end_offset:
                break
            if keys >= most_keys:
                self.keys, self.latest_offset = keys, latest_offset
                return False
            first = hash(key) or 1
            second = hash(b"\0" + key)
            slot = first % slots
            at = slot * 3
            found = table[at]
            while found:
                if found == first and table[at + 1] == second:
                    earlier = table[at + 2]
                    if earlier < fates_end_offset:
                        fates[earlier - start_offset] = GOES
                    break
                slot = (slot + second % (slots - 1) + 1) % slots
                at = slot * 3
                found = table[at]
            else:
                table[at] = first
                table[at + 1] = second
                keys += 1
            table[at + 2] = latest_offset = offset
            if offset < fates_end_offset:
                fates[offset - start_offset] = STAYS if has_value else STAYS_AS_TOMBSTONE
        self.keys = keys
        return self.cover_to(batch.end_offset)

    def cover_to(self, end_offset: int) -> bool:
        """There is no (other) record before `end_offset`; False if that is beyond this round."""
        end_offset = min(end_offset, self._end_offset)
        self._cover(end_offset)
        self.latest_offset = max(self.latest_offset, end_offset - 1)
        return end_offset < self._end_offset

    def offset_of(self, key: bytes) -> int:
        """The latest offset of the key in this round's range; -1 if it is not there."""
        table, slots = self._table, self.slots
        first = hash(key) or 1
        second = hash(b"\0" + key)
        slot = first % slots
        at = slot * 3
        found = table[at]
        while found:
            if found == first and table[at + 1] == second:
                return table[at + 2]
            slot = (slot + second % (slots - 1) + 1) % slots
            at = slot * 3
            found = table[at]
        return -1

    def covers(self, batch: RecordBatch) -> bool:
        """Whether all of the batch was put, so that `known_fates` tells without opening it."""
        return (
            self.start_offset <= batch.base_offset
            and batch.last_offset <= self.latest_offset
            and batch.end_offset <= self.start_offset + len(self._fates)
        )

    def known_fates(self, batch: RecordBatch) -> bytearray:
        """What becomes of each record, by its offset delta; of a batch that the map covers."""
        start = batch.base_offset - self.start_offset
        return self._fates[start : start + batch.last_offset_delta + 1]

    def fates(self, batch: RecordBatch, body: bytes) -> bytearray:
        """The same of any batch: what lies beyond the map stays, what has no key goes."""
        fates = bytearray(batch.last_offset_delta + 1)
        base_offset, latest_offset, offset_of = (
            batch.base_offset,
            self.latest_offset,
            self.offset_of,
        )
        for delta, key, has_value in keyed_records(body, batch.count):
            offset = base_offset + delta
            if delta > batch.last_offset_delta:
                raise malformed(batch.count, body)
            if offset > latest_offset or (key is not None and offset >= offset_of(key)):
                fates[delta] = STAYS if has_value else STAYS_AS_TOMBSTONE
        return fates

    def _cover(self, end_offset: int) -> None:
        missing = min(end_offset - self.start_offset, self._most_fates) - len(self._fates)
        if missing > 0:
            self._fates.extend(bytes(missing))


def _prime_at_most(number: int) -> int:
    """Of a prime number of slots every step reaches all."""
    while number > 3 and not all(number % divisor for divisor in range(2, int(number**0.5) + 1)):
        number -= 1
    return number
