"""The tour of compose/README.md: what it says is done, under a load that never stops.

One test, because there is one ensemble and each stop begins where the one before has left it. At
the end every promise is checked: nothing acknowledged is lost or there twice, each key in order.
"""

import itertools
import json
import subprocess
import sys
import time

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from broker.config.warnings import names_without_effect
from cli.server import load_config
from tests.compose.ensemble import BROKERS, COMPOSE, ZOOKEEPERS, ComposeEnsemble, compose_ensemble
from tests.interop.faults.load import Load, running_load
from tests.interop.faults.verdict import read_all
from tests.interop.faults.watch import ClusterWatch, watching
from tests.support.docker import Say, docker_engine
from tests.support.ports import free_port
from tests.support.topics import make_topics

TOPIC = "ledger"
PARTITIONS = 6
SESSION_TIMEOUT_S = 6.0  # server.properties
GREETING = "Hello Kafka World!"


@pytest.fixture
def say(pytestconfig: pytest.Config) -> Say:
    """Print a line with the seconds since the start; past the capturing, for this takes minutes."""
    capturing = pytestconfig.pluginmanager.getplugin("capturemanager")
    began_at_s = time.monotonic()

    def say(line: str) -> None:
        with capturing.global_and_fixture_disabled():
            print(f"[compose {time.monotonic() - began_at_s:4.0f} s] {line}", file=sys.stderr)

    return say


def test_the_brokers_properties_are_all_in_use() -> None:
    config = load_config(COMPOSE / "server.properties", ("broker.id=1",))
    assert config.zookeeper_session_timeout_ms == SESSION_TIMEOUT_S * 1000
    known, unknown = names_without_effect(config.properties)
    assert unknown == []
    # Those of transactions are said for the day when there are some.
    assert [name for name in known if not name.startswith("transaction.")] == []


def test_a_broker_that_does_not_answer_is_unhealthy() -> None:
    check = [sys.executable, str(COMPOSE / "healthcheck.py"), str(free_port())]
    result = subprocess.run(check, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 1
    assert "Connection refused" in result.stdout
    assert result.stderr == ""


@pytest.mark.server
@pytest.mark.matrix
@pytest.mark.timeout(2400)  # the first time, with an engine to install and everything to download
def test_the_tour(say: Say) -> None:
    with docker_engine(say), compose_ensemble(say) as ensemble:
        the_file_suits_every_machine(ensemble)
        ensemble.do("up", "--detach", "--wait", "--wait-timeout", "300", *ensemble.ports)
        containers_are_confined(ensemble)
        with watching(ensemble.zookeeper_connect) as watch:
            create_topic(ensemble, watch)
            kafkajs_sends_and_receives(ensemble)
            break_it(ensemble, watch, say)
        kafkajs_goes_on(ensemble)


def break_it(ensemble: ComposeEnsemble, watch: ClusterWatch, say: Say) -> None:
    """One fault after the other under one load; each leaves the ensemble whole."""
    faults = (leader_is_killed, broker_is_stopped, broker_is_cut_off, zookeeper_follower_is_paused)
    with running_load(ensemble.bootstrap, TOPIC) as load:
        for fault in faults:
            began_at_s = time.monotonic()
            say(f"-- {fault.__name__.replace('_', ' ')}")
            fault(ensemble, watch, load)
            watch.wait_until_full_isr(TOPIC, "test-topic", "__consumer_offsets")
            load.wait_for_more()
            say(
                f"  {len(load.acknowledged)} records acknowledged, longest silence "
                f"{longest_silence_since(began_at_s, load):.1f} s; all replicas are in sync"
            )
        load.stop()
        everything_is_there_once(ensemble, load)


# -- before the faults ----------------------------------------------------------------------------


def the_file_suits_every_machine(ensemble: ComposeEnsemble) -> None:
    """Nothing that older engines refuse, nothing published but on 127.0.0.1."""
    services = json.loads(ensemble.ask("config", "--format", "json"))["services"]
    for name, service in services.items():
        assert "start_interval" not in service.get("healthcheck", {}), name
        assert "ulimits" not in service, name
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name
    published = {name: int(services[name]["ports"][0]["published"]) for name in ensemble.ports}
    assert published == ensemble.ports


def containers_are_confined(ensemble: ComposeEnsemble) -> None:
    """The broker is PID 1, is not root, and can write to its volume only."""
    script = "id -u; tr '\\0' ' ' </proc/1/cmdline; touch /opt/zbroker/x 2>/dev/null && echo writes"
    user, command, *more = ensemble.ask(
        "exec", "-T", "broker1", "sh", "-c", f"{script}; true"
    ).split("\n")
    assert user != "0"
    assert "zbroker /etc/zbroker/server.properties" in command
    assert "writes" not in more


def create_topic(ensemble: ComposeEnsemble, watch: ClusterWatch) -> None:
    make_topics(ensemble.bootstrap, NewTopic(TOPIC, PARTITIONS, 3))
    watch.wait_until_full_isr(TOPIC)


def kafkajs_sends_and_receives(ensemble: ComposeEnsemble) -> None:
    """The profile `clients`, inside the compose network; the consumer stays for the whole tour."""
    ensemble.do("run", "--rm", "--no-TTY", "producer")
    ensemble.do("up", "--detach", "--no-recreate", "consumer")
    ensemble.wait_for("the greeting", lambda: GREETING in ensemble.log("consumer").splitlines())


def kafkajs_goes_on(ensemble: ComposeEnsemble) -> None:
    """Its consumer has come through the tour, gets each message once more, and leaves in order."""
    ensemble.do("run", "--rm", "--no-TTY", "producer")
    ensemble.wait_for(
        "the second greeting", lambda: ensemble.log("consumer").splitlines().count(GREETING) >= 2
    )
    ensemble.do("stop", "consumer")
    assert ensemble.exit_code("consumer") == 0
    assert ensemble.log("consumer").splitlines().count(GREETING) == 2


def everything_is_there_once(ensemble: ComposeEnsemble, load: Load) -> None:
    """What was sent is there, each key's numbers in order, without a hole or a repetition."""
    assert load.failures == []
    found = read_all(ensemble, TOPIC)
    numbers = {key: [f.number for f in found if f.key == key] for key in range(len(load.sent))}
    assert numbers == {key: list(range(count)) for key, count in enumerate(load.sent)}
    where = {(f.key, f.number): (f.partition, f.offset) for f in found}
    assert [
        each
        for each in load.acknowledged
        if where[each.key, each.number] != (each.partition, each.offset)
    ] == []


# -- the faults -----------------------------------------------------------------------------------


def leader_is_killed(ensemble: ComposeEnsemble, watch: ClusterWatch, load: Load) -> None:
    """SIGKILL: the others lead on once its session has ended; it comes back and catches up."""
    leader = watch.leaders(TOPIC)[0]
    gone = watch.vanishing(f"/brokers/ids/{leader}")
    ensemble.do("kill", f"broker{leader}")
    gone.wait()
    load.wait_for_more()
    assert leader not in watch.leaders(TOPIC).values()
    ensemble.do("up", "--detach", "--wait", f"broker{leader}")


def broker_is_stopped(ensemble: ComposeEnsemble, watch: ClusterWatch, load: Load) -> None:
    """SIGTERM: it gives its leaderships away first, so nobody waits for its session to end."""
    leader = watch.leaders(TOPIC)[0]
    asked_at_s = time.monotonic()
    ensemble.do("stop", f"broker{leader}")
    assert ensemble.exit_code(f"broker{leader}") == 0
    load.wait_for_more()
    assert longest_silence_since(asked_at_s, load) < SESSION_TIMEOUT_S / 2
    ensemble.do("up", "--detach", "--wait", f"broker{leader}")


def broker_is_cut_off(ensemble: ComposeEnsemble, watch: ClusterWatch, load: Load) -> None:
    """It still believes that it leads, and nobody hears it. Back in the network, it follows."""
    leader = watch.leaders(TOPIC)[0]
    gone = watch.vanishing(f"/brokers/ids/{leader}")
    ensemble.disconnect(f"broker{leader}")
    gone.wait()
    load.wait_for_more()
    assert leader not in watch.leaders(TOPIC).values()
    ensemble.connect(f"broker{leader}")
    watch.wait_until_full_isr(TOPIC)
    # It serves those who come from outside, at the port that it had.
    admin = AdminClient({"bootstrap.servers": ensemble.address(f"broker{leader}")})
    assert admin.list_topics(timeout=10).brokers.keys() == set(BROKERS)


def zookeeper_follower_is_paused(
    ensemble: ComposeEnsemble, watch: ClusterWatch, load: Load
) -> None:
    """Its clients go to another one within their session: no broker is lost, nothing is refused."""
    followers = {
        service: text.count("[1]")  # one of its connections, in a line of `stat`
        for service in (f"zookeeper{number}" for number in ZOOKEEPERS)
        if "Mode: follower" in (text := ensemble.zookeeper_stat(service))
    }
    busiest = max(followers, key=lambda service: followers[service])
    lost = session_losses(ensemble)
    began_at_s = time.monotonic()
    ensemble.pause(busiest)
    while time.monotonic() < began_at_s + 2 * SESSION_TIMEOUT_S:
        load.wait_for_more()
    ensemble.do("unpause", busiest)
    assert session_losses(ensemble) == lost
    assert longest_silence_since(began_at_s, load) < SESSION_TIMEOUT_S / 2


def longest_silence_since(moment_s: float, load: Load) -> float:
    """Between two acknowledgements."""
    times = [each.at_s for each in load.acknowledged if each.at_s > moment_s]
    return max(later - earlier for earlier, later in itertools.pairwise([moment_s, *times]))


def session_losses(ensemble: ComposeEnsemble) -> int:
    return sum(len(ensemble.events(f"broker{number}", "session.lost")) for number in BROKERS)
