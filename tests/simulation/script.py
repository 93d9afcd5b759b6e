"""Plays a golden script (tests/golden) on the ensemble: what was done, and what came of it.

    properties log.roll.ms=1000        of brokers that start from now on
    start 1 2 | crash 1 | stop 1       one after the other; `stop` is a controlled shutdown
    topic t 0=1,2,3 [config=value]     the first replica leads
    cut 1 2 | cut-zookeeper 1          links between brokers, the way to ZooKeeper
    heal | heal-zookeeper 1            all of them; one broker's way
    produce t-0 a b [acks=1] [at=1]    one batch; acks=all and to the leader, if not said
    fetch t-0 [at=1]                   as a consumer, from the beginning
    commit GROUP t-0 5 | committed GROUP t-0 | coordinator GROUP
    wait leader t-0 2 | wait isr t-0 1,2 | wait controller-epoch 2 | wait settled
    pause 20                           seconds

Each step ends when the cluster had a second to itself, so that its output doesn't hang on what a
fetch in flight has already brought. It tells:

    answer   what the client was told
    broker   the trace, kind and facts: each broker's in its own order, one broker after the other
    state    a partition's state in ZooKeeper, if it is a new one
    log      a replica's records with their leader epochs, if something about it is new

A script must come out the same whatever chance does (test_golden tries several seeds); otherwise
each change of the code would shuffle the goldens. So it leaves no race open: when a controller is
to be elected, only one broker can be.
"""

import json
from pathlib import Path

import attrs
import trio

from broker.events import Event
from broker.network.peers import PeerUnavailable
from broker.replica.partition import Partition
from broker.wire.errors import ErrorCode
from broker.wire.record_batch import batches
from coordination.values import TopicPartition
from tests.golden.script import Command
from tests.simulation.checker import CheckedStore, stored_batches
from tests.simulation.client import ALL
from tests.simulation.stage import Stage, play

PAUSE_S = 1.0  # longer than a fetch waits (replica.fetch.wait.max.ms)

# What a story is about, with the facts that decide. No ids, and no offsets that depend on when
# somebody looked: a high watermark is told of a log at rest.
# An ISR's change is told twice: by the controller (leader, leader_epoch), by the leader (before).
_STATE = ("partition", "leader", "isr", "leader_epoch")
TOLD: dict[str, tuple[str, ...]] = {
    "session.suspended": (),
    "session.reconnected": (),
    "session.lost": (),
    "broker.registration_waits": ("broker_id",),
    "broker.stopped": (),
    "controller.elected": ("controller_epoch",),
    "controller.resigned": ("controller_epoch",),
    "broker.joined": ("broker_id",),
    "broker.left": ("broker_id", "bounced", "controlled_shutdown"),
    "broker.shutting_down": ("broker_id",),
    "topic.created": ("topic", "assignment"),
    "partition.leader_elected": (*_STATE, "election", "previous_leader"),
    "partition.election_failed": ("partition", "why"),
    "partition.isr_changed": (*_STATE, "before", "removed"),
    "control.refused": ("request", "controller", "controller_epoch", "error"),
    "partition.role": ("partition", "role", "leader_epoch", "log_end_offset"),
    "partition.truncated": ("partition", "before", "log_end_offset"),
    "group.loaded": ("partition", "groups", "offsets"),
    "group.unloaded": ("partition", "groups"),
}


def play_script(commands: list[Command], directory: Path, seed: int) -> list[list[str]]:
    """The output of each command."""
    outputs: list[list[str]] = []

    async def story(stage: Stage) -> None:
        teller = Teller(stage)
        for command in commands:
            answers = await act(stage, command)
            await trio.sleep(PAUSE_S)
            outputs.append([f"> {command.line}", *answers, *teller.news_after(command)])

    play(story, directory, seed)
    return outputs


# -- what is done -----------------------------------------------------------------


async def act(stage: Stage, command: Command) -> list[str]:
    """The answers to the client, if it asked."""
    ensemble, words, options = stage.ensemble, command.words, command.options
    match command.name:
        case "properties":
            ensemble.properties.update(options)
        case "start":
            for word in words:
                await ensemble.start(int(word))
        case "crash":
            await ensemble.crash(*map(int, words))
        case "stop":
            await ensemble.stop(int(words[0]))
        case "cut":
            ensemble.cut(int(words[0]), int(words[1]))
        case "cut-zookeeper":
            ensemble.cut_from_zookeeper(*map(int, words))
        case "heal-zookeeper":
            ensemble.zookeepers[int(words[0])].restore()
        case "heal":
            ensemble.heal()
        case "pause":
            await trio.sleep(float(words[0]))
        case "wait":
            await wait(stage, *words)
        case _:
            return [f"answer   {await ask(stage, command)}"]
    return []


async def ask(stage: Stage, command: Command) -> str:
    client, words, options = stage.client, command.words, command.options
    at = int(options["at"]) if "at" in options else None
    match command.name:
        case "topic":
            assignment = {int(n): _ids(ids) for n, ids in options.items() if n.isdecimal()}
            configs = {name: value for name, value in options.items() if not name.isdecimal()}
            await client.create_topic(words[0], assignment, **configs)
            return "NONE"
        case "produce":
            acks = {"all": ALL, "0": 0, "1": 1}[options.get("acks", "all")]
            try:
                produced = await client.produce(_partition(words[0]), *words[1:], acks=acks, at=at)
            except PeerUnavailable:
                return "nobody answers"
            if acks == 0:
                return "none, as asked"
            where = f" base_offset={produced.offset}" if produced.error is ErrorCode.NONE else ""
            return produced.error.name + where
        case "fetch":
            fetched = await client.fetch(_partition(words[0]), at=at)
            found = ",".join(fetched.values)
            return f"{fetched.error.name} high_watermark={fetched.high_watermark} [{found}]"
        case "coordinator":
            return f"broker {await client.coordinator(words[0])}"
        case "commit":
            await client.commit_offset(words[0], _partition(words[1]), int(words[2]))
            return "NONE"
        case "committed":
            return f"offset={await client.committed_offset(words[0], _partition(words[1]))}"
    raise AssertionError(f"no such command: {command.line}")


async def wait(stage: Stage, what: str, *words: str) -> None:
    store = _store(stage)
    match what:
        case "settled":
            await stage.checker.settled()
        case "leader":
            tp, leader = _partition(words[0]), int(words[1])
            await stage.ensemble.until(lambda: store.states[tp].leader == leader, f"{leader} leads")
        case "isr":
            tp, isr = _partition(words[0]), set(_ids(words[1]))
            await stage.ensemble.until(lambda: set(store.states[tp].isr) == isr, f"ISR {words[1]}")
        case "controller-epoch":
            epoch = int(words[0])
            await stage.ensemble.until(lambda: epoch in store.session_of_epoch, f"epoch {epoch}")
        case _:
            raise AssertionError(f"nobody knows how to wait for {what}")


# -- what came of it --------------------------------------------------------------


@attrs.define(eq=False)
class Teller:
    """Remembers what it has told, and tells the rest."""

    stage: Stage
    _told_events: set[str] = attrs.field(factory=set)
    _told: dict[str, str] = attrs.field(factory=dict)  # the latest line by its subject

    def news_after(self, command: Command) -> list[str]:
        return [*self._events(command), *self._states(), *self._logs()]

    def _events(self, command: Command) -> list[str]:
        new = [event for event in self.stage.ensemble.events() if event.id not in self._told_events]
        self._told_events.update(event.id for event in new)
        told = [event for event in new if event.kind in TOLD and not _is_noise(event, command)]
        return [_event_line(event) for event in sorted(told, key=lambda event: event.broker)]

    def _states(self) -> list[str]:
        return [
            line
            for tp, state in sorted(_store(self.stage).states.items())
            for line in self._if_new(
                f"state    {tp}",
                f"leader={state.leader} epoch={state.leader_epoch} isr={_short(sorted(state.isr))}",
            )
        ]

    def _logs(self) -> list[str]:
        return [
            line
            for broker in self.stage.ensemble.brokers()
            for tp, partition in sorted(broker.replicas.partitions.items())
            for line in self._if_new(f"log      {broker.broker_id} {tp}", _log(partition))
        ]

    def _if_new(self, subject: str, told: str) -> list[str]:
        if self._told.get(subject) == told:
            return []
        self._told[subject] = told
        return [f"{subject} {told}"]


def _is_noise(event: Event, command: Command) -> bool:
    """The killed say nothing (a task that is cancelled does); and whether one that stops is still
    told its new roles is a race with its end."""
    if str(event.broker) not in command.words:
        return False
    return command.name == "crash" or (command.name, event.kind) == ("stop", "partition.role")


def _event_line(event: Event) -> str:
    facts = [
        f" {name}={_short(_ordered(name, event.facts[name]))}"
        for name in TOLD[event.kind]
        if name in event.facts
    ]
    return f"broker {event.broker} {event.kind}{''.join(facts)}"


def _ordered(name: str, fact: object) -> object:
    """Who joined an ISR first is chance."""
    return sorted(fact) if name in ("isr", "before") and isinstance(fact, list | tuple) else fact


def _log(partition: Partition) -> str:
    """`a@0` is a record of leader epoch 0."""
    log = partition.log
    ends = f"end={log.log_end_offset} high_watermark={log.high_watermark}"
    if partition.topic_partition.topic.startswith("__"):
        return ends  # its records are not for people
    records = ",".join(
        f"{bytes(record.value or b'').decode()}@{batch.leader_epoch}"
        for data in stored_batches(partition, log.log_start_offset, log.log_end_offset)
        for batch in batches(data)
        for record in batch.records()
    )
    return f"{ends} [{records}]"


def _store(stage: Stage) -> CheckedStore:
    assert isinstance(stage.ensemble.store, CheckedStore)
    return stage.ensemble.store


def _partition(text: str) -> TopicPartition:
    topic, _, partition = text.rpartition("-")
    return TopicPartition(topic, int(partition))


def _ids(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _short(value: object) -> str:
    """`[1,2,3]`; text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
