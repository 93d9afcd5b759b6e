"""Many partitions: 2,000 of them with three replicas, and hardly a record.

What costs here is the control plane: the znodes written for each partition, the requests that tell
three brokers of 6,000 replicas, the fetchers that ask for 4,000 partitions of which nothing is new.

    create       from the first CreateTopics to the moment each broker names a leader for each
    Metadata     one request for all topics, answered; the median of many
    idle         CPU of the brokers while nobody does anything
    failover     from the end of the dead controller's node until both survivors name living leaders
    start        from exec of the killed broker until it knows all, and each of its replicas is in
                 sync again

Metadata is asked for by bare requests: no client's own work is in the figures, but the decoding of
the answers that tell when all is there, which is the same for both.
"""

import statistics
import time
from collections.abc import Callable, Collection, Iterator

from confluent_kafka.admin import AdminClient, NewTopic

from broker.wire.apis import ApiKey
from broker.wire.framing import encode_request
from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from tests.bench.contenders import BROKERS, Contender
from tests.bench.workloads import Figure
from tests.interop.faults.watch import watching
from tests.support.raw_client import CLOSED, RawClient

TOPICS = 20
PARTITIONS_PER_TOPIC = 100
PARTITIONS = TOPICS * PARTITIONS_PER_TOPIC
METADATA_VERSION = 12
METADATA_QUESTIONS = 50
IDLE_S = 20.0
SETTLE_S = 10.0  # what a creation leaves to do (checkpoints, first fetches) is not idleness
TIMEOUT_S = 300
POLL_S = 0.05


def scale(contender: Contender) -> Iterator[Figure]:
    """All of it on one fresh cluster, whose brokers are ready. It loses one and gets it back."""
    addresses = dict(enumerate(contender.bootstrap.split(","), start=1))
    yield Figure("2,000 partitions: create", _create(contender, addresses), "s", False)
    time.sleep(SETTLE_S)
    yield Figure("2,000 partitions: Metadata of all", _metadata_ms(addresses[1]), "ms", False)
    before_s = contender.usage().cpu_s
    time.sleep(IDLE_S)
    cores = (contender.usage().cpu_s - before_s) / IDLE_S
    yield Figure("2,000 partitions: idle CPU", cores, "cores", False)
    memory_mb = contender.usage().rss_mb / BROKERS
    yield Figure("2,000 partitions: memory", memory_mb, "MB a broker", False)
    yield from _failover_and_return(contender, addresses)


def _create(contender: Contender, addresses: dict[int, str]) -> float:
    admin = AdminClient(
        {
            "bootstrap.servers": contender.bootstrap,
            "log_level": 0,
            "socket.timeout.ms": TIMEOUT_S * 1000,
        }
    )
    topics = [
        NewTopic(f"scale-{number}", num_partitions=PARTITIONS_PER_TOPIC, replication_factor=BROKERS)
        for number in range(TOPICS)
    ]
    began_s = time.monotonic()
    asked = admin.create_topics(topics, operation_timeout=TIMEOUT_S, request_timeout=TIMEOUT_S)
    for created in asked.values():
        created.result(TIMEOUT_S)
    for address in addresses.values():
        _wait("every partition to have a leader", lambda at=address: _led_by(at, addresses))
    return time.monotonic() - began_s


def _failover_and_return(contender: Contender, addresses: dict[int, str]) -> Iterator[Figure]:
    with watching(contender.zookeeper) as watch:
        controller = watch.controller()
        gone = watch.vanishing("/controller")
        killed = contender.brokers[controller - 1]
        killed.kill()
        vanished_s = gone.wait()
        survivors = addresses.keys() - {controller}
        for survivor in survivors:
            _wait(
                "living leaders everywhere", lambda at=addresses[survivor]: _led_by(at, survivors)
            )
        took_s = time.monotonic() - vanished_s
        yield Figure("2,000 partitions: controller failover", took_s, "s", False)
    began_s = time.monotonic()
    killed.start()
    _wait("the broker to know all", lambda: _led_by(addresses[controller], addresses))
    _wait("its replicas to be in sync", lambda: _all_in_sync(addresses[controller]))
    yield Figure("2,000 partitions: broker start", time.monotonic() - began_s, "s", False)


def _metadata_ms(address: str) -> float:
    frame = encode_request(
        ApiKey.METADATA, METADATA_VERSION, 1, "bench", MetadataRequest(topics=None)
    )
    question = b"".join(frame)
    with RawClient(address) as client:
        times_ms = []
        for _ in range(METADATA_QUESTIONS):
            began_s = time.perf_counter()
            client.send_raw(question)
            times_ms.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(times_ms)


def _metadata(address: str) -> MetadataResponse | None:
    """What that broker knows; None while it does not answer."""
    try:
        with RawClient(address) as client:
            answer = client.ask(ApiKey.METADATA, METADATA_VERSION, MetadataRequest(topics=None))
    except OSError:
        return None
    return None if answer is CLOSED else answer


def _led_by(address: str, brokers: Collection[int]) -> bool:
    """Whether it names a leader among `brokers` for each of the partitions."""
    return _count(address, lambda partition: partition.leader_id in brokers) == PARTITIONS


def _all_in_sync(address: str) -> bool:
    return _count(address, lambda partition: len(partition.isr_nodes) == BROKERS) == PARTITIONS


def _count(address: str, wanted: Callable[..., bool]) -> int:
    known = _metadata(address)
    if known is None:
        return 0
    return sum(
        wanted(partition)
        for topic in known.topics
        if topic.name is not None and topic.name.startswith("scale-")
        for partition in topic.partitions
    )


def _wait(what: str, happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not happened():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"waited {TIMEOUT_S:.0f} s for {what}")
        time.sleep(POLL_S)
