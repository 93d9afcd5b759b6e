"""What a real Kafka never answers: nothing can be compared, and each try costs its patience.

    null for records         it stumbles in the middle, and has appended to who knows which others
    a question about none    it answers when the last part is done: AddPartitionsToTxn without
                             transactions, OffsetFetch without groups
    markers, miscounted      it waits for as many results as partitions are named, and has one for
                             each of them; it forgets to answer if the last of several markers is
                             written nowhere

We answer all of these; `pools` and `making` leave them out.
"""

from typing import Any

from broker.wire.apis import ApiKey
from broker.wire.messages.write_txn_markers import WritableTxnMarker
from tests.interop.differential.symbols import Symbol

FIRST_VERSION_OF_MANY = {ApiKey.ADD_PARTITIONS_TO_TXN: 4, ApiKey.OFFSET_FETCH: 8}


def is_answered(key: ApiKey, version: int, request: Any) -> bool:
    match key:
        case ApiKey.ADD_PARTITIONS_TO_TXN if version >= FIRST_VERSION_OF_MANY[key]:
            return bool(request.transactions)
        case ApiKey.OFFSET_FETCH if version >= FIRST_VERSION_OF_MANY[key]:
            return bool(request.groups)
        case ApiKey.WRITE_TXN_MARKERS:
            markers = request.markers
            return not any(map(_names_one_twice, markers)) and (
                len(markers) < 2 or all(map(_is_written_somewhere, markers))
            )
    return True


def _names_one_twice(marker: WritableTxnMarker) -> bool:
    named = [(str(topic.name), at) for topic in marker.topics for at in topic.partition_indexes]
    return len(set(named)) < len(named)


def _is_written_somewhere(marker: WritableTxnMarker) -> bool:
    """Every topic of the world has a partition 0."""
    return any(
        isinstance(topic.name, Symbol) and 0 in topic.partition_indexes for topic in marker.topics
    )
