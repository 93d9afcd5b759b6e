"""One broker after the other dies, freezes, leaves; then all of them."""

import signal

import pytest

from tests.interop.faults import reference
from tests.interop.faults.load import Load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.support.cluster import TestCluster
from tests.support.figures import Figure

pytestmark = [pytest.mark.server, pytest.mark.matrix]


def a_leader(watch: ClusterWatch, topic: str) -> int:
    """A broker that leads some of the topic, and isn't the controller."""
    controller = watch.controller()
    return next(leader for leader in watch.leaders(topic).values() if leader != controller)


def crash(cluster: TestCluster, watch: ClusterWatch, load: Load, broker_id: int) -> float:
    """SIGKILL, and acknowledgements again; when the broker's node vanished."""
    gone = watch.vanishing(f"/brokers/ids/{broker_id}")
    cluster.brokers[broker_id].kill()
    gone_at_s = gone.wait()
    load.wait_for_more()
    return gone_at_s


def test_leader_is_killed(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    broker_id = a_leader(watch, load.topic)
    gone_at_s = crash(cluster, watch, load, broker_id)
    cluster.brokers[broker_id].start()
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s(), reference.LEADER_KILLED)
    figure(
        "from the node's end to the next acknowledgement",
        load.first_after(gone_at_s),
        reference.AFTER_THE_NODE_VANISHED,
    )
    figure("... and in every partition", load.all_partitions_after(gone_at_s))
    assert load.first_after(gone_at_s) <= reference.AFTER_THE_NODE_VANISHED + reference.TOLERANCE_S
    assert load.longest_gap_s() <= reference.LEADER_KILLED + reference.TOLERANCE_S


def test_controller_is_killed(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    broker_id = watch.controller()
    gone_at_s = crash(cluster, watch, load, broker_id)
    cluster.brokers[broker_id].start()
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s(), reference.CONTROLLER_KILLED)
    figure(
        "from the node's end to the next acknowledgement",
        load.first_after(gone_at_s),
        reference.AFTER_THE_NODE_VANISHED,
    )
    figure("... and in every partition", load.all_partitions_after(gone_at_s))
    assert load.first_after(gone_at_s) <= reference.AFTER_THE_NODE_VANISHED + reference.TOLERANCE_S
    assert load.longest_gap_s() <= reference.CONTROLLER_KILLED + reference.TOLERANCE_S


def test_leader_is_told_to_stop(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    """SIGTERM: its leaderships move first, so hardly anybody notices."""
    broker_id = a_leader(watch, load.topic)
    cluster.brokers[broker_id].stop()
    load.wait_for_more()
    cluster.brokers[broker_id].start()
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s(), reference.LEADER_STOPPED)
    assert load.longest_gap_s() <= reference.LEADER_STOPPED + reference.TOLERANCE_S


def test_leader_freezes_past_its_session(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    """SIGSTOP, and SIGCONT when others lead in its place: it must find out, and follow them."""
    broker_id = a_leader(watch, load.topic)
    gone = watch.vanishing(f"/brokers/ids/{broker_id}")
    cluster.pause(broker_id)
    try:
        gone_at_s = gone.wait()
        load.wait_for_more()
    finally:
        cluster.resume(broker_id)
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s())
    figure(
        "from the node's end to the next acknowledgement",
        load.first_after(gone_at_s),
        reference.AFTER_THE_NODE_VANISHED,
    )
    assert load.first_after(gone_at_s) <= reference.AFTER_THE_NODE_VANISHED + reference.TOLERANCE_S


def test_controller_freezes_past_its_session(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    """It comes back as a zombie: whatever it still wants to say or write is refused."""
    broker_id = watch.controller()
    gone = watch.vanishing(f"/brokers/ids/{broker_id}")
    cluster.pause(broker_id)
    try:
        gone_at_s = gone.wait()
        load.wait_for_more()
    finally:
        cluster.resume(broker_id)
    settle(cluster, watch, load)

    assert watch.controller() != broker_id
    figure("longest gap", load.longest_gap_s())
    figure(
        "from the node's end to the next acknowledgement",
        load.first_after(gone_at_s),
        reference.AFTER_THE_NODE_VANISHED,
    )
    assert load.first_after(gone_at_s) <= reference.AFTER_THE_NODE_VANISHED + reference.TOLERANCE_S


def test_brokers_restart_in_turn(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    for broker in cluster.brokers.values():
        broker.stop()
        broker.start()
        cluster.wait_ready()
        watch.wait_until_full_isr(load.topic)
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s(), reference.BROKERS_RESTARTED_IN_TURN)
    assert load.longest_gap_s() <= reference.BROKERS_RESTARTED_IN_TURN + reference.TOLERANCE_S


def test_all_brokers_are_killed_at_once(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    for broker in cluster.brokers.values():
        assert broker.child is not None
        broker.child.send(signal.SIGKILL)
    for broker in cluster.brokers.values():
        broker.kill()
    cluster.start_brokers()
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s(), reference.ALL_KILLED)
    assert load.longest_gap_s() <= reference.ALL_KILLED + reference.TOLERANCE_S
