"""compose/compose.yaml as one project of a test's own: its name, its ports, its faults."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from tests.support.docker import Say, run
from tests.support.ports import free_port

COMPOSE = Path(__file__).parents[2] / "compose"
BUILD_TIMEOUT_S = 900
COMMAND_TIMEOUT_S = 360
WAIT_TIMEOUT_S = 60.0
POLL_S = 0.1

BROKERS = (1, 2, 3)
ZOOKEEPERS = (1, 2, 3)
# What runs without a profile.
SERVICES = (*(f"broker{n}" for n in BROKERS), *(f"zookeeper{n}" for n in ZOOKEEPERS))
LATER = ("broker4", "kafka")  # those that join
PROFILES = ("clients", "fourth", "kafka")  # not `monitoring`: its images come from a registry


class CommandFailed(Exception):
    """A docker command ended with an error; the text is the command and all that it said."""


@attrs.frozen
class ComposeEnsemble:
    """Its services are called as in compose.yaml: broker1, zookeeper1, ..., producer, consumer."""

    project: str
    ports: dict[str, int]  # by service
    http_ports: dict[str, int]  # by broker
    say: Say

    @property
    def bootstrap(self) -> str:
        return ",".join(self.address(f"broker{number}") for number in BROKERS)

    @property
    def zookeeper_connect(self) -> str:
        return ",".join(self.address(f"zookeeper{number}") for number in ZOOKEEPERS)

    def address(self, service: str) -> str:
        """Where that service is published."""
        return f"127.0.0.1:{self.ports[service]}"

    def build(self, *services: str) -> None:
        """Their images, or what has changed of them; the output is shown as it comes."""
        began_at_s = time.monotonic()
        run(self._argv("--progress", "plain", "build", *services), BUILD_TIMEOUT_S, self.say)
        self.say(f"docker compose build took {time.monotonic() - began_at_s:.1f} s")

    def do(self, *arguments: str) -> None:
        """`docker compose ARGUMENTS`, with its name and time said."""
        self.say(f"docker compose {' '.join(arguments)}")
        began_at_s = time.monotonic()
        self.ask(*arguments)
        self.say(f"  took {time.monotonic() - began_at_s:.1f} s")

    def ask(self, *arguments: str, stdin: str = "") -> str:
        """What `docker compose ARGUMENTS` prints on its stdout."""
        return _output(self._argv("--progress", "quiet", *arguments), stdin)

    def admin(self, *arguments: str, stdin: str = "") -> str:
        """What `zbroker-admin ARGUMENTS` prints, in a broker's container."""
        return self.ask("exec", "-T", "broker1", "zbroker-admin", *arguments, stdin=stdin)

    def get(self, broker: str, path: str) -> tuple[int, bytes]:
        """Status and body, of what the broker tells over HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_ports[broker], timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def log(self, service: str) -> str:
        """What it has printed so far, on its stdout. (`docker compose logs` adds escape codes.)"""
        return _output(["docker", "logs", self._container(service)])

    def log_of_errors(self, service: str) -> str:
        """The same, on its stderr."""
        command = ["docker", "logs", self._container(service)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return result.stderr

    def wait_for(self, what: str, happened: Callable[[], object]) -> None:
        """Block until `happened()` is true."""
        deadline = time.monotonic() + WAIT_TIMEOUT_S
        while not happened():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not after {WAIT_TIMEOUT_S:.0f} s: {what}")
            time.sleep(POLL_S)

    def pause(self, service: str) -> None:
        """Freeze it. Under cgroup v1 that fails while a health check starts: then once more."""

        def frozen() -> bool:
            try:
                self.do("pause", service)
            except CommandFailed as error:
                if "unable to freeze" not in str(error):
                    raise
                return False
            return True

        self.wait_for(f"{service} to freeze", frozen)

    def unpause(self, service: str) -> None:
        """Let it go on, until its health is seen: what needs it isn't started before that."""
        self.do("unpause", service)
        self.wait_for(f"{service} to be healthy", lambda: self.health(service) == "healthy")

    # what only docker itself can do

    def disconnect(self, service: str) -> None:
        """Cut it off from all the others, and from outside."""
        self._network("disconnect", self._network_name, self._container(service))

    def connect(self, service: str) -> None:
        """Put it back under its name: docker forgets a service's name with its connection."""
        self._network("connect", "--alias", service, self._network_name, self._container(service))

    def exit_code(self, service: str) -> int:
        """Of a container that has ended."""
        return int(self._inspected(service, "{{.State.ExitCode}}"))

    def health(self, service: str) -> str:
        """What its health check has found: healthy, unhealthy, or starting."""
        return self._inspected(service, "{{.State.Health.Status}}").strip()

    def _inspected(self, service: str, what: str) -> str:
        return _output(["docker", "inspect", "--format", what, self._container(service)])

    def volumes(self) -> list[str]:
        """The named and anonymous volumes that this project has."""
        label = f"label=com.docker.compose.project={self.project}"
        return _output(["docker", "volume", "ls", "--quiet", "--filter", label]).split()

    def _network(self, *arguments: str) -> None:
        self.say(f"docker network {' '.join(arguments)}")
        _output(["docker", "network", *arguments])

    @property
    def _network_name(self) -> str:
        return f"{self.project}_default"

    def _container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def _argv(self, *arguments: str) -> list[str]:
        variables = [
            *(f"{name.upper()}_PORT={port}" for name, port in self.ports.items()),
            *(f"{name.upper()}_HTTP_PORT={port}" for name, port in self.http_ports.items()),
        ]
        which = ["--file", str(COMPOSE / "compose.yaml"), "--project-name", self.project]
        profiles = [f"--profile={profile}" for profile in PROFILES]
        return ["env", *variables, "docker", "compose", *which, *profiles, *arguments]

    # what ZooKeeper says by its four-letter words

    def zookeeper_stat(self, service: str) -> str:
        """The answer to `stat`: its clients, its mode."""
        with socket.create_connection(("127.0.0.1", self.ports[service]), 5) as connection:
            connection.sendall(b"stat")
            with connection.makefile() as answer:
                return answer.read()

    # what the brokers have traced

    def events(self, service: str, kind: str) -> list[dict[str, Any]]:
        """That broker's trace since its volume was made, of one kind."""
        text = self.ask("exec", "-T", service, "cat", "/var/lib/zbroker/events.jsonl")
        return [event for event in map(json.loads, text.splitlines()) if event["kind"] == kind]


@contextmanager
def compose_ensemble(say: Say) -> Iterator[ComposeEnsemble]:
    """Built, but not started. However the block ends, nothing of it is left but the images."""
    ports = {service: free_port() for service in (*SERVICES, *LATER)}
    http_ports = {service: free_port() for service in ports if service.startswith("broker")}
    ensemble = ComposeEnsemble(f"zbroker-test-{os.getpid()}", ports, http_ports, say)
    try:
        ensemble.build("broker1", "producer")
        yield ensemble
    except Exception:
        say("-- the brokers' last words")
        say(ensemble.ask("logs", "--no-color", "--tail", "20", "broker1", "broker2", "broker3"))
        raise
    finally:
        ensemble.do("down", "--volumes", "--remove-orphans")
        assert ensemble.volumes() == []


def _output(argv: list[str], stdin: str = "") -> str:
    result = subprocess.run(
        argv,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        raise CommandFailed(f"{' '.join(argv)}:\n{result.stdout}{result.stderr}")
    return result.stdout
