"""Whatever happens to a broker of either kind, the other kind carries on, and takes it back.

In each ensemble one kind is there once. When that broker is controller and ends, a broker of the
other kind must take over, with its partitions and all it had begun.
"""

from collections.abc import Iterator

import pytest

from tests.interop.faults.load import Load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import (
    ENSEMBLES,
    PROPERTIES,
    TIMEOUT_S,
    frozen,
    odd_one,
    one_of_the_pair,
    put_controller_on,
)
from tests.support.cluster import TestCluster, running_cluster
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

# What a broker says when the controller has let it go, or when it goes without that.
LET_GO = {"kafka": "Controlled shutdown request returned successfully"}
NOT_LET_GO = {"zbroker": "stopping without the controller's leave"}


@pytest.fixture(scope="module", params=ENSEMBLES)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    """Three brokers of two kinds, shared by the faults: each leaves them as it found them."""
    directory = tmp_path_factory.mktemp(request.param)
    with running_cluster(ENSEMBLES[request.param], directory, properties=PROPERTIES) as cluster:
        yield cluster


def test_isr_shrinks_and_expands(cluster: TestCluster, watch: ClusterWatch, load: Load) -> None:
    """A follower falls behind without dying: its leaders, of both kinds, ask for another ISR.

    Each kind asks a controller of the other kind, once to shrink and once to expand.

    Nobody who was controller before freezes while a Kafka broker leads, so this comes first, and
    the first controller is not the `other`: a Kafka broker goes on asking the controller that it
    knows until that one answers.
    """
    odd = odd_one(cluster)
    first = watch.controller()
    pair = [broker_id for broker_id in cluster.brokers if broker_id != odd]
    one, other = sorted(pair, key=lambda broker_id: broker_id != first)
    for follower, controller in ((odd, one), (other, odd)):
        put_controller_on(cluster, watch, controller)
        watch.wait_until_full_isr(load.topic)
        load.wait_for_more()
        life = watch.client.get(f"/brokers/ids/{follower}")[1].czxid
        with frozen(cluster, [follower]):
            wait_until(
                f"the ISRs without broker {follower}",
                lambda follower=follower: is_out_of_sync(watch, load.topic, follower),
                TIMEOUT_S,
            )
        watch.wait_until_full_isr(load.topic)
        load.wait_for_more()
        assert watch.client.get(f"/brokers/ids/{follower}")[1].czxid == life, "it has died"
    settle(cluster, watch, load)


def is_out_of_sync(watch: ClusterWatch, topic: str, follower: int) -> bool:
    """Whether all the others have dropped it from the ISRs of what they lead."""
    led_by_others = [s for s in watch.states(topic).values() if s["leader"] != follower]
    assert led_by_others
    return all(follower not in state["isr"] for state in led_by_others)


@pytest.mark.parametrize("which", [odd_one, one_of_the_pair])
def test_controller_is_killed(
    cluster: TestCluster, watch: ClusterWatch, load: Load, which: object
) -> None:
    """It led partitions, too; new leaders are of both kinds."""
    assert callable(which)
    controller = which(cluster)
    put_controller_on(cluster, watch, controller)
    load.wait_for_more()
    gone = watch.vanishing(f"/brokers/ids/{controller}")
    cluster.brokers[controller].kill()
    gone.wait()
    load.wait_for_more()
    assert watch.controller() != controller
    cluster.start(controller)
    settle(cluster, watch, load)


@pytest.mark.parametrize("which", [odd_one, one_of_the_pair])
def test_controller_freezes_past_its_session(
    cluster: TestCluster, watch: ClusterWatch, load: Load, which: object
) -> None:
    """It comes back as a zombie: what it still wants to say or write is refused by the others."""
    assert callable(which)
    controller = which(cluster)
    put_controller_on(cluster, watch, controller)
    load.wait_for_more()
    gone = watch.vanishing(f"/brokers/ids/{controller}")
    with frozen(cluster, [controller]):
        gone.wait()
        load.wait_for_more()
    settle(cluster, watch, load)
    assert watch.controller() != controller


def test_brokers_leave_in_turn(cluster: TestCluster, watch: ClusterWatch, load: Load) -> None:
    """SIGTERM: each asks a controller of the other kind for its leave, and comes back."""
    for broker_id, kind in cluster.kinds.items():
        controller = next(other for other in cluster.brokers if cluster.kinds[other] != kind)
        put_controller_on(cluster, watch, controller)
        watch.wait_until_full_isr(load.topic)
        log_file = cluster.brokers[broker_id].log_file
        already_said = len(log_file.read_text())
        cluster.brokers[broker_id].stop()
        said = log_file.read_text()[already_said:]
        assert LET_GO.get(kind, "") in said, said
        assert kind not in NOT_LET_GO or NOT_LET_GO[kind] not in said, said
        load.wait_for_more()
        cluster.start(broker_id)
        cluster.wait_ready()
        watch.wait_until_full_isr(load.topic)
    settle(cluster, watch, load)
