"""w11: a leader dies. From the end of its ephemeral node to the next acknowledgement.

The time before that end is the session's timeout, the same for both. Each death has a topic of its
own, led by a broker that is not the controller (whose failover is measured elsewhere), and a
producer that goes on with acks=all, ten milliseconds between two records.
"""

import statistics
import time
from collections.abc import Iterator

from tests.bench.clients import place_topic
from tests.bench.contenders import Contender
from tests.bench.figures import Figure
from tests.bench.paced import Latencies, paced
from tests.bench.size import Size
from tests.interop.faults.watch import ClusterWatch, watching

PER_SECOND = 100
WARM_UP_S = 1.0
TIMEOUT_S = 60.0
POLL_S = 0.01


def leader_deaths(contender: Contender, size: Size) -> Iterator[Figure]:
    """The median of some deaths, in a cluster that is whole again before each."""
    with watching(contender.zookeeper) as watch:
        took_ms = [_death(contender, watch, f"w11-{number}") for number in range(size.deaths)]
    yield Figure("w11-leader", "next acknowledgement", statistics.median(took_ms), "ms", False)


def _death(contender: Contender, watch: ClusterWatch, topic: str) -> float:
    controller = watch.controller()
    leader, *others = sorted(contender.addresses, key=lambda broker: broker == controller)
    place_topic(contender, topic, [[leader, *others]])
    watch.wait_until_full_isr(topic)
    broker = contender.brokers[leader - 1]
    seen = Latencies()
    with paced(contender, [(topic, 0)], PER_SECOND, seen, acks="all"):
        time.sleep(WARM_UP_S)
        gone = watch.vanishing(f"/brokers/ids/{leader}")
        broker.kill()
        vanished_s = gone.wait()
        acknowledged_s = _next_acknowledgement(seen, vanished_s)
    broker.start()
    watch.wait_until_full_isr(topic)
    return (acknowledged_s - vanished_s) * 1000


def _next_acknowledgement(seen: Latencies, after_s: float) -> float:
    """When it came, by the monotonic clock."""
    while time.monotonic() < after_s + TIMEOUT_S:
        later = [came_s for _, came_s in list(seen.acknowledged) if came_s > after_s]
        if later:
            return min(later)
        time.sleep(POLL_S)
    raise TimeoutError(f"no acknowledgement {TIMEOUT_S:.0f} s after the leader's end")
