"""A kill -9 of a broker with 1,000 segments that it must read again: how long until it serves them.

One broker leads all partitions of a topic without other replicas, 1 GB in segments of 1 MiB. It is
killed, and its recovery point checkpoint removed: how many segments were synced in time would be a
matter of luck, and different for the two. So each reads all of it, checks every batch, and rebuilds
the indexes.

    recovery     from exec of the killed broker to an answer where each partition ends

The page cache is warm for both, and the node of the broker's old life is gone before.
"""

import time
from collections.abc import Iterator

from broker.wire.apis import ApiKey
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from tests.bench.clients import fill_evenly, place_topic
from tests.bench.contenders import Contender
from tests.bench.figures import Figure
from tests.bench.size import Size
from tests.interop.faults.watch import watching
from tests.support.raw_client import CLOSED, RawClient

TOPIC = "many-segments"
LEADER = 1
PARTITIONS = 10
SEGMENT_BYTES = 1 << 20
RECORDS_PER_SEGMENT = 1_100  # of 1,000 bytes: no segment is quite full
TIMEOUT_S = 300.0
POLL_S = 0.02


def recovery(contender: Contender, size: Size) -> Iterator[Figure]:
    """Of `size.segments` segments; what the broker has besides is to be little."""
    records = size.segments * RECORDS_PER_SEGMENT
    broker = contender.brokers[LEADER - 1]
    data = broker.directory / "data"
    config = {"segment.bytes": str(SEGMENT_BYTES)}
    place_topic(contender, TOPIC, [[LEADER]] * PARTITIONS, config)
    fill_evenly(contender, TOPIC, records)
    found = len(list(data.glob(f"{TOPIC}-*/*.log")))
    assert found >= size.segments, f"{found} segments"
    with watching(contender.zookeeper) as watch:
        gone = watch.vanishing(f"/brokers/ids/{LEADER}")
        broker.kill()
        gone.wait()
    (data / "recovery-point-offset-checkpoint").unlink(missing_ok=True)
    began_s = time.monotonic()
    broker.start()
    while _records_at(broker.port) < records:
        if time.monotonic() - began_s > TIMEOUT_S:
            raise TimeoutError(f"{TOPIC} is not served after {TIMEOUT_S:.0f} s")
        time.sleep(POLL_S)
    yield Figure("recovery", "serves again", time.monotonic() - began_s, "s", False)


def _records_at(port: int) -> int:
    """In all partitions together, as far as the broker serves them."""
    partitions = [
        ListOffsetsPartition(partition_index=index, timestamp=-1) for index in range(PARTITIONS)
    ]
    request = ListOffsetsRequest(
        replica_id=-1, topics=[ListOffsetsTopic(name=TOPIC, partitions=partitions)]
    )
    try:
        with RawClient(f"127.0.0.1:{port}") as client:
            answer = client.ask(ApiKey.LIST_OFFSETS, 7, request)
    except OSError:
        return 0
    if answer is CLOSED:
        return 0
    return sum(each.offset for each in answer.topics[0].partitions if not each.error_code)
