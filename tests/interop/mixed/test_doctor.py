"""Brokers of two kinds under one controller, of either kind: the doctor finds nothing broken."""

from collections.abc import Callable

import pytest

from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import odd_one, one_of_the_pair, put_controller_on
from tests.interop.test_admin_doctor import broken, produce
from tests.support.cluster import TestCluster

pytestmark = [pytest.mark.server, pytest.mark.matrix]


@pytest.mark.parametrize("controller", [odd_one, one_of_the_pair])
def test_it_is_sound(
    cluster: TestCluster, watch: ClusterWatch, topic: str, controller: Callable[[TestCluster], int]
) -> None:
    produce(cluster, topic)
    put_controller_on(cluster, watch, controller(cluster))
    produce(cluster, topic)
    assert broken(cluster) == {}
