"""How long the codec takes for the messages that matter:  python -m tests.broker.wire.bench_codec

Figures are the best of several runs, in microseconds, framing included.  On a busy 2-core
machine with CPython 3.11 the first two take about 5.
"""

import os
import tempfile
import timeit
from collections.abc import Callable
from uuid import UUID

from broker.wire.apis import ApiKey
from broker.wire.framing import RequestHeader, decode_request, encode_request, encode_response
from broker.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from broker.wire.messages.metadata import (
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.regions import FileRegion, OpenFile

BATCH_BYTES = 128 * 1024
TOPIC_ID = UUID(int=1 << 100)


def frame_of(key: ApiKey, version: int, request: object) -> memoryview:
    chunks = encode_request(key, version, 1, "bench", request)
    return memoryview(b"".join(chunks))[4:]  # type: ignore[arg-type]  # no regions here


def produce_request() -> ProduceRequest:
    partition = PartitionProduceData(index=3, records=bytes(BATCH_BYTES))
    topic = TopicProduceData(name="some-topic", partition_data=[partition])
    return ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[topic])


def fetch_request(partitions: int) -> FetchRequest:
    asked = [FetchPartition(partition=p, partition_max_bytes=1 << 20) for p in range(partitions)]
    return FetchRequest(topics=[FetchTopic(topic_id=TOPIC_ID, partitions=asked)])


def fetch_response(region: FileRegion) -> FetchResponse:
    partition = PartitionData(partition_index=3, aborted_transactions=None, records=[region])
    topic = FetchableTopicResponse(topic_id=TOPIC_ID, partitions=[partition])
    return FetchResponse(responses=[topic])


def metadata_response(topics: int, partitions: int) -> MetadataResponse:
    states = [
        MetadataResponsePartition(partition_index=p, replica_nodes=[1, 2, 3], isr_nodes=[1, 2, 3])
        for p in range(partitions)
    ]
    return MetadataResponse(
        topics=[
            MetadataResponseTopic(name=f"topic-{t}", topic_id=UUID(int=t), partitions=states)
            for t in range(topics)
        ]
    )


def measure(what: str, action: Callable[[], object], number: int) -> None:
    action()  # compiles
    best_s = min(timeit.repeat(action, number=number, repeat=7)) / number
    print(f"{best_s * 1e6:10.1f} us  {what}")


def main() -> None:
    produce = frame_of(ApiKey.PRODUCE, 11, produce_request())
    fetch = frame_of(ApiKey.FETCH, 17, fetch_request(100))
    fetched = RequestHeader(ApiKey.FETCH, 17, 1, None)
    asked = RequestHeader(ApiKey.METADATA, 12, 1, None)
    metadata = metadata_response(200, 10)
    with tempfile.TemporaryFile() as file:
        region = FileRegion(OpenFile(os.dup(file.fileno())), 0, BATCH_BYTES)
        answer = fetch_response(region)
        measure("decode a ProduceRequest of 128 KiB", lambda: decode_request(produce), 10_000)
        measure(
            "encode a FetchResponse of a region", lambda: encode_response(fetched, answer), 10_000
        )
        measure("decode a FetchRequest of 100 partitions", lambda: decode_request(fetch), 1000)
        measure("encode a MetadataResponse of 2,000", lambda: encode_response(asked, metadata), 20)


if __name__ == "__main__":
    main()
