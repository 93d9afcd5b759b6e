"""w10, w11: many partitions, 2,000 of them with three replicas, and hardly a record.

What costs here is the control plane: the znodes written for each partition, the requests that tell
three brokers of 6,000 replicas, the fetchers that ask for 4,000 partitions of which nothing is new.

    create       from the first CreateTopics to the moment each broker names a leader for each
    Metadata     one request for all topics, answered; and for one topic among them all
    idle CPU     of the brokers while nobody does anything
    light        a record to each partition in turn, 500 a second: what they wait for, what it costs
    failover     from the end of the dead controller's node until both survivors name living leaders
    broker start from exec of the killed broker until it knows all, and each of its replicas is in
                 sync again

Metadata is asked for by bare requests: no client's own work is in the figures, but the decoding of
the answers that tell when all is there, which is the same for both.
"""

import statistics
import time
from collections.abc import Callable, Collection, Iterator

from broker.wire.apis import ApiKey
from broker.wire.framing import encode_request
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from tests.bench.clients import create_topics
from tests.bench.contenders import BROKERS, Contender
from tests.bench.figures import Figure, latencies
from tests.bench.paced import Latencies, paced, waited_ms
from tests.bench.size import Size
from tests.bench.usage import usage, used
from tests.interop.faults.watch import watching
from tests.support.raw_client import CLOSED, RawClient
from tests.support.waiting import wait_until

PARTITIONS_PER_TOPIC = 100
PREFIX = "many-"
PER_SECOND = 500
METADATA_VERSION = 12
METADATA_QUESTIONS = 50
TIMEOUT_S = 300


def many_partitions(contender: Contender, size: Size) -> Iterator[Figure]:
    """w10."""
    topics = _topics(size)
    began_s = time.monotonic()
    _create(contender, topics)
    yield Figure("w10", "create", time.monotonic() - began_s, "s", False)
    # What a creation leaves to do (checkpoints, first fetches) is not idleness.
    time.sleep(size.seconds / 3)
    address = contender.addresses[1]
    yield Figure("w10", "Metadata of all", _metadata_ms(address, None), "ms", False)
    yield Figure("w10", "Metadata of one", _metadata_ms(address, topics[0]), "ms", False)
    before_s = usage(contender).cpu_s
    time.sleep(size.seconds)
    cores = (usage(contender).cpu_s - before_s) / size.seconds
    yield Figure("w10", "idle CPU", cores, "cores", False)
    targets = [(topic, partition) for topic in topics for partition in range(PARTITIONS_PER_TOPIC)]
    seen = Latencies()
    with paced(contender, targets, PER_SECOND, seen, acks="all"):
        time.sleep(size.seconds / 5)
        since_s = time.monotonic()
        with used(contender, "w10") as figures:
            time.sleep(size.seconds)
    yield from latencies("w10", "light", waited_ms(seen.acknowledged, since_s))
    yield from figures


def controller_failover(contender: Contender, size: Size) -> Iterator[Figure]:
    """w11: the cluster loses its controller, and gets it back."""
    addresses = contender.addresses
    partitions = size.topics * PARTITIONS_PER_TOPIC
    if _led_by(addresses[1], addresses) != partitions:  # w10 was not before us
        _create(contender, _topics(size))
    _wait("all replicas to be in sync", lambda: _in_sync(addresses[1]) == partitions)
    with watching(contender.zookeeper) as watch:
        controller = watch.controller()
        gone = watch.vanishing("/controller")
        killed = contender.brokers[controller - 1]
        killed.kill()
        vanished_s = gone.wait()
        survivors = addresses.keys() - {controller}
        for survivor in survivors:
            _wait(
                "living leaders everywhere",
                lambda at=addresses[survivor]: _led_by(at, survivors) == partitions,
            )
        took_s = time.monotonic() - vanished_s
        yield Figure("w11-controller", "failover", took_s, "s", False)
    began_s = time.monotonic()
    killed.start()
    at = addresses[controller]
    _wait("the broker to know all", lambda: _led_by(at, addresses) == partitions)
    _wait("its replicas to be in sync", lambda: _in_sync(at) == partitions)
    yield Figure("w11-controller", "broker start", time.monotonic() - began_s, "s", False)


def _topics(size: Size) -> list[str]:
    return [f"{PREFIX}{number}" for number in range(size.topics)]


def _create(contender: Contender, topics: list[str]) -> None:
    """Returns when each broker knows them all."""
    create_topics(contender, topics, PARTITIONS_PER_TOPIC)
    partitions = len(topics) * PARTITIONS_PER_TOPIC
    for address in contender.addresses.values():
        _wait(
            "every partition to have a leader",
            lambda at=address: _led_by(at, contender.addresses) == partitions,
        )


def _metadata_ms(address: str, topic: str | None) -> float:
    """The median of many questions for that topic, or for all."""
    topics = None if topic is None else [MetadataRequestTopic(name=topic)]
    request = MetadataRequest(topics=topics)
    question = b"".join(encode_request(ApiKey.METADATA, METADATA_VERSION, 1, "bench", request))  # type: ignore[arg-type]
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


def _led_by(address: str, brokers: Collection[int]) -> int:
    """For how many of the partitions it names a leader among `brokers`."""
    return _count(address, lambda partition: partition.leader_id in brokers)


def _in_sync(address: str) -> int:
    return _count(address, lambda partition: len(partition.isr_nodes) == BROKERS)


def _count(address: str, wanted: Callable[..., bool]) -> int:
    known = _metadata(address)
    if known is None:
        return 0
    return sum(
        wanted(partition)
        for topic in known.topics
        if topic.name is not None and topic.name.startswith(PREFIX)
        for partition in topic.partitions
    )


def _wait(what: str, happened: Callable[[], bool]) -> None:
    wait_until(what, happened, TIMEOUT_S)
