"""ZooKeeper is silent, or dies. Brokers go on leading and following meanwhile: what they were told
holds until somebody tells them something else, and nobody can."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.interop.faults import reference
from tests.interop.faults.load import Load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.support.cluster import TestCluster
from tests.support.figures import Figure

pytestmark = [pytest.mark.server, pytest.mark.matrix]


@contextmanager
def silent_zookeeper(cluster: TestCluster) -> Iterator[None]:
    child = cluster.zookeeper.child
    assert child is not None
    child.send(signal.SIGSTOP)
    try:
        yield
    finally:
        child.send(signal.SIGCONT)


def test_zookeeper_pauses_for_three_seconds(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    """Shorter than the sessions: nobody loses anything."""
    with silent_zookeeper(cluster):
        time.sleep(3.0)
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s(), reference.ZOOKEEPER_PAUSED_BRIEFLY)
    assert load.longest_gap_s() <= reference.ZOOKEEPER_PAUSED_BRIEFLY + reference.TOLERANCE_S


def test_zookeeper_pauses_for_two_session_timeouts(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    """All sessions end: brokers serve on, and register anew when ZooKeeper is back."""
    with silent_zookeeper(cluster):
        time.sleep(2 * reference.SESSION_TIMEOUT_S)
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s(), reference.ZOOKEEPER_PAUSED_FOR_LONG)
    assert load.longest_gap_s() <= reference.ZOOKEEPER_PAUSED_FOR_LONG + reference.TOLERANCE_S


def test_zookeeper_dies_and_comes_back(
    cluster: TestCluster, watch: ClusterWatch, load: Load, figure: Figure
) -> None:
    """SIGKILL, and a new process on its data: it remembers the sessions, and gives them time."""
    cluster.zookeeper.kill()
    load.wait_for_more()
    cluster.zookeeper.start()
    cluster.zookeeper.wait_ready()
    settle(cluster, watch, load)

    figure("longest gap", load.longest_gap_s())
    assert load.longest_gap_s() <= reference.TOLERANCE_S
