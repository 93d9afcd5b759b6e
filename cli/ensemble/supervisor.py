"""The running ensemble: start, wait until ready, watch, stop. The body of `zbroker-admin up`.

    Starting --all brokers ready--> Running --signal--> Stopping --all ended--> (returns)
        |                                                  ^
        '--signal; a child ended; too slow ----------------'

* Starting: a child that ends now means that the start failed; everything is stopped, and its last
  words are the error.
* Running: a child that ends is reported, and life goes on.
* Stopping: SIGTERM to all brokers at once, then to ZooKeeper, which they need until they are gone
  (controlled shutdown hands their partitions over). Whoever ignores it is killed after a deadline;
  a second signal kills everything now.

The signals that stop are SIGINT (Ctrl-C), SIGTERM (`down`) and SIGHUP (the terminal was closed).
"""

import signal
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import attrs
import trio

from cli.ensemble.child import Child, how_it_ended, spawn
from cli.ensemble.claim import claimed, write_state
from cli.ensemble.layout import Ensemble, SetupError
from cli.ensemble.log_files import keep_short
from cli.ensemble.probe import controller_of, refuse_used_ports, views_of, zookeeper_serves
from cli.ensemble.programs import BrokerCommand, as_typed
from cli.java.zookeeper import zookeeper_command

READY_TIMEOUT_S = 60.0
# Kafka's controlled shutdown tries 3 times, 5 s apart (controlled.shutdown.max.retries and
# .retry.backoff.ms); after that a broker closes its files and goes.
BROKER_STOP_TIMEOUT_S = 30.0
ZOOKEEPER_STOP_TIMEOUT_S = 10.0
# A start takes 2 s: looking this often neither delays it nor costs much.
POLL_S = 0.05
LAST_LINES = 10

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class StartFailed(SetupError):
    """A child ended before the ensemble was ready; the text has its last words."""


class NotReadyInTime(SetupError):
    """The brokers did not all answer within READY_TIMEOUT_S."""


@attrs.define(eq=False)
class Supervisor:
    """Runs one ensemble, once.

    `broker_command` makes a broker's argv from its server.properties. `say` is called with each
    line for the user, `on_ready` with the controller's id when a client can work.
    """

    ensemble: Ensemble
    zookeeper_jars: list[Path]
    broker_command: BrokerCommand
    say: Say
    on_ready: Callable[[int], None]
    _zookeeper: Child | None = None
    _brokers: dict[int, Child] = attrs.field(factory=dict)
    _started_ms: int = 0

    async def run(self) -> None:
        """Run until told to stop, and until everything has ended.

        Raises SetupError (or a kind of it) when it could not start; nothing is left then either.
        """
        with claimed(self.ensemble.directory), trio.open_signal_receiver(*STOP_SIGNALS) as signals:
            refuse_used_ports(self.ensemble)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._stop_at_signal, signals, nursery.cancel_scope)
                    self._start_all()
                    nursery.start_soon(keep_short, [c.log_file for c in self._children()])
                    await self._until_ready()
                    for child in self._children():
                        nursery.start_soon(self._report_end, child)
            finally:
                with trio.CancelScope(shield=True):
                    await self._stop(signals)

    def _children(self) -> list[Child]:
        zookeeper = [self._zookeeper] if self._zookeeper is not None else []
        return [*zookeeper, *self._brokers.values()]

    # Starting

    def _start_all(self) -> None:
        """ZooKeeper and all brokers at once: a broker waits for ZooKeeper by itself."""
        directory = self.ensemble.directory
        self._started_ms = time.time_ns() // 1_000_000
        self._zookeeper = spawn(
            "zookeeper",
            zookeeper_command(self.zookeeper_jars, directory.zoo_cfg),
            log_file=directory.log_file("zookeeper"),
        )
        for broker_id in self.ensemble.broker_ports:
            name = f"broker-{broker_id}"
            self._brokers[broker_id] = spawn(
                name,
                self.broker_command(directory.server_properties(broker_id)),
                log_file=directory.log_file(name),
            )
        self._note_state()

    async def _until_ready(self) -> None:
        began = trio.current_time()
        with trio.move_on_after(READY_TIMEOUT_S):
            while not await zookeeper_serves(self.ensemble.zookeeper_port):
                self._raise_if_ended()
                await trio.sleep(POLL_S)
            seconds = trio.current_time() - began
            port = self.ensemble.zookeeper_port
            self.say(f"ZooKeeper serves on 127.0.0.1:{port} ({seconds:.1f} s)")
            controller_id = await self._until_brokers_ready(began)
            self.on_ready(controller_id)
            return
        raise NotReadyInTime(
            f"not ready after {READY_TIMEOUT_S:.0f} s; see the logs in "
            f"{self.ensemble.directory.log_file('up').parent}"
        )

    async def _until_brokers_ready(self, began: float) -> int:
        answering: set[int] = set()
        while True:
            views = await views_of(self.ensemble)
            for broker_id, view in views.items():
                if view is not None and broker_id not in answering:
                    answering.add(broker_id)
                    port = self.ensemble.broker_ports[broker_id]
                    seconds = trio.current_time() - began
                    self.say(f"broker {broker_id} answers on 127.0.0.1:{port} ({seconds:.1f} s)")
            controller_id = controller_of(views)
            if controller_id is not None:
                return controller_id
            self._raise_if_ended()
            await trio.sleep(POLL_S)

    def _raise_if_ended(self) -> None:
        for child in self._children():
            if child.exit_code is not None:
                raise StartFailed(f"{_end_of(child)}\n{_last_words(child)}")

    # Running

    async def _stop_at_signal(self, signals: AsyncIterator[int], running: trio.CancelScope) -> None:
        async for number in signals:
            self.say(f"{signal.Signals(number).name}: stopping the brokers, then ZooKeeper")
            running.cancel()
            return

    async def _report_end(self, child: Child) -> None:
        await child.wait()
        self._note_state()
        self.say(f"{_end_of(child)}\n{_last_words(child)}")
        if child is self._zookeeper:
            self.say("without it the brokers go on as they are; stop this, and start it again")
        for broker_id, broker in self._brokers.items():
            if broker is child:
                file = self.ensemble.directory.server_properties(broker_id)
                self.say(f"to start it again, in another terminal: {as_typed('zbroker')} {file}")
                self.say("(it's yours then: stop it there too, before this)")

    def _note_state(self) -> None:
        write_state(self.ensemble.directory, self._started_ms, self._children())

    # Stopping

    async def _stop(self, signals: AsyncIterator[int]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._kill_at_signal, signals)
            async with trio.open_nursery() as brokers:
                for broker in self._brokers.values():
                    brokers.start_soon(partial(self._end, broker, BROKER_STOP_TIMEOUT_S))
            if self._zookeeper is not None:
                await self._end(self._zookeeper, ZOOKEEPER_STOP_TIMEOUT_S)
            nursery.cancel_scope.cancel()
        self._note_state()

    async def _end(self, child: Child, timeout_s: float) -> None:
        child.send(signal.SIGTERM)
        with trio.move_on_after(timeout_s):
            await child.wait()
            return
        self.say(f"{child.name} did not stop within {timeout_s:.0f} s: killing it")
        child.send(signal.SIGKILL)
        await child.wait()

    async def _kill_at_signal(self, signals: AsyncIterator[int]) -> None:
        async for _ in signals:
            self.say("killing what is left")
            for child in self._children():
                child.send(signal.SIGKILL)


def _end_of(child: Child) -> str:
    exit_code = child.exit_code
    assert exit_code is not None
    return f"{child.name} (pid {child.pid}) ended: {how_it_ended(exit_code)}"


def _last_words(child: Child) -> str:
    lines = child.last_lines(LAST_LINES) or ["(nothing)"]
    return "\n".join([f"the end of {child.log_file}:", *(f"  {line}" for line in lines)])
