"""Row 32: a leader that is cut off from everybody but its clients loses what it acknowledged.

Source: Jepsen's Kafka of 2013 (https://aphyr.com/posts/293-jepsen-kafka): the ISR shrank to the
isolated leader, then another was elected uncleanly.

Provoked with the default configs (min.insync.replicas=1, no unclean elections): the leader is cut
off the other brokers and ZooKeeper, one way or both, and clients go on writing to it with acks=all.
It can't shrink the ISR without the controller, so it can't acknowledge. In the simulation by chance
as well, and with real processes, whose links to each other and to ZooKeeper go through proxies.
"""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
from confluent_kafka.admin import NewTopic

from broker.wire.errors import ErrorCode
from tests.failures import test_row_31_partitioned_from_zookeeper_and_each_other as row_31
from tests.interop.faults.load import running_load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch, watching
from tests.simulation import chance
from tests.simulation.looking import T0, state
from tests.simulation.stage import Stage, play
from tests.support.broker_process import running_broker
from tests.support.cluster import SESSION_TIMEOUT_MS, SETTINGS, TestCluster
from tests.support.links import Link, links
from tests.support.ports import free_ports
from tests.support.topics import make_topics
from tests.support.zookeeper import real_zookeeper


@pytest.mark.long
@pytest.mark.parametrize("one_way", [False, True], ids=["cut off", "it hears nobody"])
def test_it_acknowledges_nothing(tmp_path: Path, one_way: bool) -> None:
    async def story(stage: Stage) -> None:
        ensemble, client = stage.ensemble, stage.client
        await stage.three_brokers(controller=2)
        await client.produce(T0, "common")
        others = stage.new_client("others")
        ensemble.cut_from_zookeeper(1)
        for other in (2, 3):
            ensemble.cut(other, 1, one_way=one_way)
        for number in range(9):  # 45 s: longer than anything that its leader waits for
            answer = await client.produce(T0, f"isolated {number}", at=1, timeout_s=5)
            assert answer.error is ErrorCode.REQUEST_TIMED_OUT
        assert state(stage).leader != 1
        assert (await others.produce(T0, "by the next")).error is ErrorCode.NONE
        ensemble.heal()
        await stage.checker.settled()
        # What a fetch under way has still brought may be there, though nobody promised that.
        first, *fetched, last = (await client.fetch(T0)).values
        assert (first, last) == ("common", "by the next")
        assert fetched in ([], ["isolated 0"])

    play(story, tmp_path)


@pytest.mark.parametrize(("seed", "steps"), row_31.STORIES)
@pytest.mark.long
def test_with_default_configs_nothing_acknowledged_is_lost(
    tmp_path: Path, seed: int, steps: int
) -> None:
    play(partial(row_31.story, steps=steps, configs={}), tmp_path, seed, **chance.QUICK)


# -- with real processes ------------------------------------------------------------


@attrs.define
class LinkedCluster:
    """`to_broker`: what other brokers reach it through; `to_zookeeper`: its own way there."""

    cluster: TestCluster
    to_broker: dict[int, Link]
    to_zookeeper: dict[int, Link]

    def heal(self) -> None:
        for link in itertools.chain(self.to_broker.values(), self.to_zookeeper.values()):
            link.mend()


@contextmanager
def linked_cluster(directory: Path) -> Iterator[LinkedCluster]:
    """Three brokers that clients reach directly, and each other and ZooKeeper through proxies."""
    with ExitStack() as stack:
        zookeeper = stack.enter_context(real_zookeeper(directory / "zookeeper"))
        to_zookeeper = stack.enter_context(links(*[zookeeper.port] * 3))
        for_clients, for_brokers = free_ports(3), free_ports(3)
        to_brokers = stack.enter_context(links(*range(for_brokers, for_brokers + 3)))
        servers = {}
        for index in range(3):
            own = {
                "listeners": f"CLIENT://127.0.0.1:{for_clients + index},"
                f"INTERNAL://127.0.0.1:{for_brokers + index}",
                "advertised.listeners": f"CLIENT://127.0.0.1:{for_clients + index},"
                f"INTERNAL://127.0.0.1:{to_brokers[index].port}",
                "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT",
                "inter.broker.listener.name": "INTERNAL",
                "default.replication.factor": "3",
                "offsets.topic.replication.factor": "3",
            }
            servers[index + 1] = stack.enter_context(
                running_broker(
                    "zbroker",
                    index + 1,
                    f"127.0.0.1:{to_zookeeper[index].port}",
                    directory / f"broker-{index + 1}",
                    port=for_clients + index,
                    properties=own | SETTINGS,
                    waits=False,
                )
            )
        cluster = TestCluster(zookeeper, servers, dict.fromkeys(servers, "zbroker"))
        cluster.wait_ready()
        yield LinkedCluster(
            cluster,
            dict(enumerate(to_brokers, start=1)),
            dict(enumerate(to_zookeeper, start=1)),
        )
        cluster.stop_all()


@pytest.mark.server
@pytest.mark.matrix
def test_real_brokers_behind_proxies(tmp_path: Path) -> None:
    with (
        linked_cluster(tmp_path) as linked,
        watching(linked.cluster.zookeeper_connect) as watch,
    ):
        make_topics(linked.cluster.bootstrap, NewTopic("t", 3, 3))
        watch.wait_until_full_isr("t")
        with running_load(linked.cluster.bootstrap, "t") as load:
            for misfortune in (isolate, deafen, mute, lose_zookeeper, lose_controller):
                misfortune(linked, watch)
                load.wait_for_more()
                linked.heal()
                linked.cluster.wait_ready()
                watch.wait_until_full_isr("t")
            settle(linked.cluster, watch, load)


def isolate(linked: LinkedCluster, watch: ClusterWatch) -> None:
    """The leader of partition 0 is out of reach of the others, and of ZooKeeper."""
    leader = watch.leaders("t")[0]
    gone = watch.vanishing(f"/brokers/ids/{leader}")
    linked.to_broker[leader].freeze()
    linked.to_zookeeper[leader].freeze()
    gone.wait()


def deafen(linked: LinkedCluster, watch: ClusterWatch) -> None:
    """... hears nobody: neither fetches nor ZooKeeper's answers, but what it says gets through. So
    its session lives on: it connects again and again."""
    leader = watch.leaders("t")[0]
    linked.to_broker[leader].freeze("there")
    linked.to_zookeeper[leader].freeze("back")
    time.sleep(2 * SESSION_TIMEOUT_MS / 1000)


def mute(linked: LinkedCluster, watch: ClusterWatch) -> None:
    """... isn't heard, but hears all."""
    leader = watch.leaders("t")[0]
    gone = watch.vanishing(f"/brokers/ids/{leader}")
    linked.to_broker[leader].freeze("back")
    linked.to_zookeeper[leader].freeze("there")
    gone.wait()


def lose_zookeeper(linked: LinkedCluster, watch: ClusterWatch) -> None:
    """All lose ZooKeeper, for longer than their sessions."""
    gone = [watch.vanishing(f"/brokers/ids/{broker_id}") for broker_id in linked.to_zookeeper]
    for link in linked.to_zookeeper.values():
        link.cut()
    for each in gone:
        each.wait()


def lose_controller(linked: LinkedCluster, watch: ClusterWatch) -> None:
    """The controller loses ZooKeeper only: the brokers still hear it."""
    controller = watch.controller()
    gone = watch.vanishing(f"/brokers/ids/{controller}")
    linked.to_zookeeper[controller].freeze()
    gone.wait()
