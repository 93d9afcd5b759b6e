"""The tour of compose/README.md: what it says is done, under a load that never stops.

One test, because there is one ensemble and each stop begins where the one before has left it. At
the end every promise is checked: nothing acknowledged is lost or there twice, each key in order.
"""

import http.server
import itertools
import json
import subprocess
import sys
import threading
import time

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from broker.config.warnings import names_without_effect
from cli.server import load_config
from tests.broker.monitoring.reading import read, value
from tests.compose.ensemble import (
    BROKERS,
    COMPOSE,
    SERVICES,
    ZOOKEEPERS,
    ComposeEnsemble,
    compose_ensemble,
)
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
    assert known == []


def checked(port: int) -> tuple[int, str]:
    """Exit code and words of the health check."""
    check = [sys.executable, str(COMPOSE / "healthcheck.py"), str(port)]
    result = subprocess.run(check, capture_output=True, text=True, timeout=30, check=False)
    assert result.stderr == ""
    return result.returncode, result.stdout


def test_a_broker_that_does_not_answer_is_unhealthy() -> None:
    code, said = checked(free_port())
    assert code == 1
    assert "Connection refused" in said


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [(200, b"ok\n", (0, "")), (503, b"starting\n", (1, "starting\n"))],
)
def test_the_broker_itself_says_whether_it_is_ready(
    status: int, body: bytes, outcome: tuple[int, str]
) -> None:
    class Ready(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/readyz"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Ready) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        assert checked(server.server_port) == outcome
        answering.join()


@pytest.mark.server
@pytest.mark.matrix
@pytest.mark.timeout(2400)  # the first time, with an engine to install and everything to download
def test_the_tour(say: Say) -> None:
    with docker_engine(say), compose_ensemble(say) as ensemble:
        the_file_suits_every_machine(ensemble)
        ensemble.do("up", "--detach", "--wait", "--wait-timeout", "300", *SERVICES)
        containers_are_confined(ensemble)
        brokers_are_watched(ensemble)
        with watching(ensemble.zookeeper_connect) as watch:
            create_topic(ensemble, watch)
            kafkajs_sends_and_receives(ensemble)
            break_it(ensemble, watch, say)
        kafkajs_goes_on(ensemble)


def break_it(ensemble: ComposeEnsemble, watch: ClusterWatch, say: Say) -> None:
    """One fault after the other under one load; each leaves the ensemble whole."""
    faults = (
        leader_is_killed,
        controller_is_killed,
        broker_is_stopped,
        broker_is_cut_off,
        zookeeper_follower_is_paused,
        partitions_move_to_a_fourth_broker,
        partitions_move_to_a_real_kafka,
    )
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
    watched = {name: int(services[name]["ports"][1]["published"]) for name in ensemble.http_ports}
    assert watched == ensemble.http_ports
    assert all(services[name]["read_only"] for name in (*ensemble.http_ports, "kafka"))


def containers_are_confined(ensemble: ComposeEnsemble) -> None:
    """The broker is PID 1, is not root, and can write to its volume only."""
    script = "id -u; tr '\\0' ' ' </proc/1/cmdline; touch /opt/zbroker/x 2>/dev/null && echo writes"
    user, command, *more = ensemble.ask(
        "exec", "-T", "broker1", "sh", "-c", f"{script}; true"
    ).split("\n")
    assert user != "0"
    assert "zbroker /etc/zbroker/server.properties" in command
    assert "writes" not in more


def brokers_are_watched(ensemble: ComposeEnsemble) -> None:
    """Each is ready, tells its metrics, and logs an object a line; one is the controller."""
    controllers = 0.0
    for broker in (f"broker{number}" for number in BROKERS):
        assert ensemble.get(broker, "/readyz") == (200, b"ok\n")
        families = read(ensemble.get(broker, "/metrics")[1])
        controllers += value(families, "kafka_controller_kafkacontroller_activecontrollercount")
        said = [json.loads(line) for line in ensemble.log_of_errors(broker).splitlines()]
        assert {"time", "level", "logger", "message"} <= said[0].keys()
        assert "broker.registered" in {line.get("kind") for line in said}
    assert controllers == 1


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


def controller_is_killed(ensemble: ComposeEnsemble, watch: ClusterWatch, load: Load) -> None:
    """Another one is elected once its session has ended, and only then new leaders."""
    controller = watch.controller()
    gone = watch.vanishing("/controller")
    ensemble.do("kill", f"broker{controller}")
    gone.wait()
    load.wait_for_more()
    assert watch.controller() != controller
    ensemble.do("up", "--detach", "--wait", f"broker{controller}")


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
    ensemble.unpause(busiest)
    assert session_losses(ensemble) == lost
    assert longest_silence_since(began_at_s, load) < SESSION_TIMEOUT_S / 2


def partitions_move_to_a_fourth_broker(
    ensemble: ComposeEnsemble, watch: ClusterWatch, load: Load
) -> None:
    """It joins with nothing, copies what it is given, and leads as it is told."""
    ensemble.do("up", "--detach", "--wait", "broker4")
    move(ensemble, watch, (2, 3, 4))
    families = read(ensemble.get("broker4", "/metrics")[1])
    copied = "kafka_server_brokertopicmetrics_reassignmentbytesin_total"
    assert value(families, copied) > 0
    load.wait_for_more()


def partitions_move_to_a_real_kafka(
    ensemble: ComposeEnsemble, watch: ClusterWatch, load: Load
) -> None:
    """From the same file, into the same ensemble: nobody sees a difference."""
    ensemble.build("kafka")
    ensemble.do("up", "--detach", "--wait", "kafka")
    move(ensemble, watch, (3, 4, 5))
    load.wait_for_more()


def move(ensemble: ComposeEnsemble, watch: ClusterWatch, brokers: tuple[int, ...]) -> None:
    """The topic, to all of them, as README.md does it; block until it lies there."""
    reassign = ("partition", "reassign")
    ids = ",".join(map(str, brokers))
    plan = ensemble.admin(*reassign, "generate", TOPIC, "--broker-list", ids).splitlines()[-1]
    from_stdin = ("--reassignment-json-file", "/dev/stdin")
    ensemble.admin(*reassign, "execute", *from_stdin, stdin=plan)
    ensemble.wait_for(
        f"{TOPIC} to lie on {ids}",
        lambda: ensemble.admin(*reassign, "list", "-o", "name").strip() == "",
    )
    assert ensemble.admin(*reassign, "verify", *from_stdin, stdin=plan).count("is complete") >= 1
    assert {tuple(sorted(each)) for each in watch.replicas(TOPIC).values()} == {brokers}
    watch.wait_until_full_isr(TOPIC)


def longest_silence_since(moment_s: float, load: Load) -> float:
    """Between two acknowledgements."""
    times = [each.at_s for each in load.acknowledged if each.at_s > moment_s]
    return max(later - earlier for earlier, later in itertools.pairwise([moment_s, *times]))


def session_losses(ensemble: ComposeEnsemble) -> int:
    return sum(len(ensemble.events(f"broker{number}", "session.lost")) for number in BROKERS)
