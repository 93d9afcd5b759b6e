"""A ZooKeeper tree and pure controllers, driven by the commands of a golden script.

    controller 1                    broker 1 is elected and takes the cluster over
    broker 1 [rack=a]               broker 1 registers
    broker-dies 1 | bounce 1        its ephemeral vanishes | and is back before anybody looks
    topic orders 0=1,2,3            the topic's znode is written, as any broker's API does
    add-partitions orders 1=2,3     more partitions in its znode
    delete-topic orders             /admin/delete_topics/orders
    config orders key=value         the topic's config
    write PATH JSON                 somebody writes a znode past everybody
    interfere PATH JSON             the same, just before the controller's next write gets there
    lose-answer                     the next write is done, but the answer to it is lost
    answer 2 [error=56]             broker 2 answers the StopReplica commands it was sent
    shutdown 1 | alter-partition .. | producer-ids 1      requests of brokers
    elect-preferred orders-0 .. | elect-unclean ..        requests of admins
    update-features f=0 [type=3] [validate-only=1]
    alter-config topics/orders key=value   a config is set, and its change notified
    log-dir-fails 2                        broker 2 notifies that it lost a log directory
    answer-leader-and-isr 2 orders-0=56    .. and what it answers to the LeaderAndIsr that follow
    answer-metadata 2 [error=-1]           .. and to all UpdateMetadata that it was sent
    refuse 2 error=-1                      .. and to all LeaderAndIsr and StopReplica, as a whole
    leader-balance-due                     the clock says so
    set key=value                          a property of the brokers that are elected from now on
    reassign orders-0=3,4 orders-1=cancel                 an admin's request
    list-reassignments
    hold ...                        do it, but let no controller hear of it yet
    zk [PREFIX]                     show the tree

After each command the controller hears of the watches that fired, one story after the other.
"""

import json
import uuid
from collections import deque

import attrs

from coordination.controller import commands as cmd
from coordination.controller import effects as eff
from coordination.controller import events as ev
from coordination.controller import requests as rq
from coordination.controller.context import ControllerContext, ControllerSettings
from coordination.controller.step import Controller
from coordination.controller.story import ControllerMoved
from coordination.memory_tree import Tree
from coordination.store import (
    Check,
    Create,
    Created,
    Delete,
    MultiFailed,
    Node,
    NoNode,
    Op,
    Set,
    Stat,
    StoreError,
    WatchEvent,
)
from coordination.values import (
    BrokerRegistration,
    Endpoint,
    LeaderAndIsr,
    PartitionAssignment,
    TopicAssignment,
    TopicPartition,
)
from coordination.znodes import (
    decode_topic,
    encode_broker,
    encode_config,
    encode_config_change,
    encode_log_dir_event,
    encode_topic,
    paths,
)
from tests.golden.script import Command

NOBODY = 0  # the session of whoever is no broker


@attrs.define
class ControllerWorld:
    tree: Tree = attrs.field(factory=Tree)
    controllers: dict[int, Controller] = attrs.field(factory=dict)
    active: int | None = None
    watches: set[tuple[str, str]] = attrs.field(factory=set)
    hints: deque[ev.Hint] = attrs.field(factory=deque)
    stop_replicas: dict[int, list[cmd.StopReplicaCommand]] = attrs.field(factory=dict)
    leader_and_isrs: dict[int, list[cmd.LeaderAndIsrCommand]] = attrs.field(factory=dict)
    update_metadatas: dict[int, list[cmd.UpdateMetadataCommand]] = attrs.field(factory=dict)
    settings: ControllerSettings = attrs.field(factory=ControllerSettings)
    interference: list[Op] = attrs.field(factory=list)
    lose_answer: bool = False
    topic_count: int = 0
    output: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        for path in (*paths.PERSISTENT, paths.CONTROLLER_EPOCH):
            parts = path.split("/")
            for depth in range(2, len(parts) + 1):
                if self.tree.stat("/".join(parts[:depth])) is None:
                    self.change(Create("/".join(parts[:depth])))
        self.change(Set(paths.CONTROLLER_EPOCH, b"0"))

    # Commands

    def run(self, command: Command) -> list[str]:
        self.output = [f"> {command.line}"]
        if command.name == "hold":
            held = Command(command.words[0], command.words[1:], command.options, command.line)
            self.do(held)
        else:
            self.do(command)
            self.settle()
        return self.output

    def do(self, command: Command) -> None:
        words, options = command.words, command.options
        match command.name:
            case "controller":
                self.elect(int(words[0]))
            case "broker":
                self.register(int(words[0]), options.get("rack"))
            case "broker-dies":
                self.notice(self.tree.end_session(int(words[0]), 0))
            case "bounce":
                self.notice(self.tree.end_session(int(words[0]), 0))
                self.register(int(words[0]), options.get("rack"))
            case "topic":
                self.topic_count += 1
                topic_id = uuid.UUID(int=self.topic_count)
                self.change(Create(paths.topic(words[0]), topic_data(words[0], topic_id, options)))
            case "topic-without-id":
                self.change(Create(paths.topic(words[0]), topic_data(words[0], None, options)))
            case "add-partitions":
                self.add_partitions(words[0], options)
            case "delete-topic":
                self.change(Create(paths.delete_topic(words[0])))
            case "config":
                path = paths.config(paths.topic_entity(words[0]))
                self.change(Create(path, encode_config(options)))
            case "write":
                self.change(self.write(words))
            case "interfere":
                self.interference.append(self.write(words))
            case "lose-answer":
                self.lose_answer = True
            case "delete":
                self.change(Delete(words[0]))
            case "answer":
                self.answer(int(words[0]), int(options.get("error", "0")))
            case "shutdown":
                epoch = int(options.get("broker_epoch", self.broker_epoch(int(words[0]))))
                self.tell(rq.ControlledShutdown(int(words[0]), epoch))
            case "alter-partition":
                self.alter_partition(words[0], options)
            case "producer-ids":
                epoch = int(options.get("broker_epoch", self.broker_epoch(int(words[0]))))
                self.tell(rq.AllocateProducerIds(int(words[0]), epoch))
            case "elect-preferred" | "elect-unclean":
                unclean = command.name == "elect-unclean"
                self.tell(rq.ElectLeaders([topic_partition(word) for word in words], unclean))
            case "update-features":
                self.update_features(options)
            case "alter-config":
                self.change(self.write((paths.config(words[0]), encode_config(options).decode())))
                notification = encode_config_change(words[0])
                self.change(Create(paths.CONFIG_CHANGE_PREFIX, notification, sequence=True))
            case "log-dir-fails":
                event = encode_log_dir_event(int(words[0]))
                self.change(Create(paths.LOG_DIR_EVENT_PREFIX, event, sequence=True))
            case "answer-leader-and-isr":
                self.answer_leader_and_isr(int(words[0]), options)
            case "answer-metadata":
                self.answer_metadata(int(words[0]), int(options.get("error", "0")))
            case "refuse":
                self.refuse(int(words[0]), int(options["error"]))
            case "leader-balance-due":
                self.tell(ev.LeaderBalanceDue())
            case "set":
                changes = {name: json.loads(value) for name, value in options.items()}
                self.settings = attrs.evolve(self.settings, **changes)
            case "reassign":
                targets = {
                    topic_partition(name): None if to == "cancel" else brokers(to)
                    for name, to in options.items()
                }
                self.tell(rq.AlterPartitionReassignments(targets))
            case "list-reassignments":
                self.tell(rq.ListPartitionReassignments())
            case "reconnect":
                self.watches.clear()
                self.hints.clear()
                self.tell(ev.WatchesLost())
            case "still":  # a controller that does not know yet that it was replaced
                self.active = int(words[0])
                self.tell(ev.BrokersChanged())
            case "zk":
                self.show(words[0] if words else "/")
            case _:
                raise AssertionError(f"no such command: {command.line}")

    def elect(self, broker_id: int) -> None:
        stat = self.tree.stat(paths.CONTROLLER_EPOCH)
        assert stat is not None
        epoch = int(self.tree.node(paths.CONTROLLER_EPOCH).data) + 1
        self.change(Set(paths.CONTROLLER_EPOCH, str(epoch).encode()))
        ids = iter(range(1000, 2000))
        context = ControllerContext(
            broker_id,
            epoch,
            stat.version + 1,
            self.settings,
            new_topic_id=lambda: uuid.UUID(int=next(ids)),
        )
        self.controllers[broker_id] = Controller(context)
        self.active = broker_id
        self.watches.clear()
        self.hints.clear()
        self.tell(ev.Elected())

    def register(self, broker_id: int, rack: str | None) -> None:
        endpoint = Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9090 + broker_id)
        registration = BrokerRegistration(broker_id, (endpoint,), rack, timestamp_ms=0)
        create = Create(paths.broker(broker_id), encode_broker(registration), ephemeral=True)
        self.notice(self.tree.commit([create], broker_id, 0)[1])

    def add_partitions(self, topic: str, options: dict[str, str]) -> None:
        found = decode_topic(topic, self.tree.node(paths.topic(topic)))
        more = {int(n): assignment(replicas) for n, replicas in options.items()}
        grown = attrs.evolve(found, partitions={**found.partitions, **more})
        self.change(Set(paths.topic(topic), encode_topic(grown)))

    def alter_partition(self, partition: str, options: dict[str, str]) -> None:
        tp = topic_partition(partition)
        known = self.controllers[self.active or 0].context
        state = known.leadership.get(tp)
        leader = int(options["broker"])
        members = (member.split(":") for member in options["isr"].split(","))
        proposal = rq.IsrProposal(
            int(options.get("leader_epoch", state.leader_epoch if state else 0)),
            int(options.get("partition_epoch", state.partition_epoch if state else 0)),
            {int(m[0]): int(m[1]) if len(m) > 1 else -1 for m in members},
        )
        epoch = int(options.get("broker_epoch", self.broker_epoch(leader)))
        asked = known.topic_ids.get(tp.topic, uuid.UUID(int=999))
        topics = [rq.AlterPartitionTopic(asked, {tp.partition: proposal})]
        self.tell(rq.AlterPartition(leader, epoch, topics))

    def answer(self, broker_id: int, error: int) -> None:
        for command in self.stop_replicas.pop(broker_id, []):
            errors = dict.fromkeys(command.partitions, error)
            self.tell(cmd.CommandAnswered(broker_id, command, 0, errors))

    def answer_leader_and_isr(self, broker_id: int, errors: dict[str, str]) -> None:
        """An error for the partitions named, 0 for all others."""
        for command in self.leader_and_isrs.pop(broker_id, []):
            codes = {each: int(errors.get(str(each), "0")) for each in command.partitions}
            self.tell(cmd.CommandAnswered(broker_id, command, 0, codes))

    def refuse(self, broker_id: int, error: int) -> None:
        orders = [*self.leader_and_isrs.pop(broker_id, []), *self.stop_replicas.pop(broker_id, [])]
        for command in orders:
            self.tell(cmd.CommandAnswered(broker_id, command, error, {}))

    def answer_metadata(self, broker_id: int, error: int) -> None:
        for command in self.update_metadatas.pop(broker_id, []):
            self.tell(cmd.CommandAnswered(broker_id, command, error, {}))

    def update_features(self, options: dict[str, str]) -> None:
        upgrade_type = int(options.pop("type", "1"))
        validate_only = bool(options.pop("validate-only", ""))
        updates = [rq.FeatureUpdate(f, int(level), upgrade_type) for f, level in options.items()]
        self.tell(rq.UpdateFeatures(updates, validate_only))

    def write(self, words: tuple[str, ...]) -> Op:
        exists = self.tree.stat(words[0]) is not None
        data = words[1].encode()
        return Set(words[0], data) if exists else Create(words[0], data)

    def broker_epoch(self, broker_id: int) -> int:
        stat = self.tree.stat(paths.broker(broker_id))
        return stat.czxid if stat else 0

    # ZooKeeper

    def change(self, op: Op) -> None:
        self.notice(self.tree.commit([op], NOBODY, 0)[1])

    def notice(self, events: list[WatchEvent]) -> None:
        """A watch fires once; the same hint waits once."""
        for event in events:
            kinds = ["children"] if event.kind == "children" else ["data"]
            if event.kind == "deleted":
                kinds = ["data", "children"]
            fired = {(kind, event.path) for kind in kinds} & self.watches
            self.watches -= fired
            hint = ev.hint_of(event.path)
            if fired and hint is not None and hint not in self.hints:
                self.hints.append(hint)

    # The controller

    def settle(self) -> None:
        while self.hints and self.active is not None:
            self.tell(self.hints.popleft())

    def tell(self, event: ev.Event) -> None:
        assert self.active is not None, "no controller"
        controller = self.controllers[self.active]
        self.output.append(f"event    {type(event).__name__}")
        try:
            effects = controller.step(event)
            while effects:
                for effect in effects:
                    answer = self.carry_out(effect)
                effects = [] if controller.is_idle else controller.step(ev.Answered(answer))
        except ControllerMoved as error:
            self.output.append(f"resigns  {error}")
            self.active = None

    def carry_out(self, effect: eff.Effect) -> ev.Answer:
        match effect:
            case eff.Read(wanted, watch):
                self.output.append(f"read     {' '.join(wanted)}{' (watch)' * watch}")
                nodes = [self.get(path) for path in wanted]
                found = [path for path, node in zip(wanted, nodes, strict=True) if node]
                self.watches.update(("data", path) for path in found if watch)
                return nodes
            case eff.Exists(path):
                self.output.append(f"exists   {path} (watch)")
                self.watches.add(("data", path))
                return self.tree.stat(path) is not None
            case eff.ListChildren(path, watch):
                self.output.append(f"list     {path}{' (watch)' * watch}")
                if self.tree.stat(path) is None:
                    return []
                self.watches.update([("children", path)] * watch)
                return self.tree.children(path)
            case eff.Persist(multis):
                return [self.persist(multi) for multi in multis]
            case eff.Send(broker_id, command):
                if isinstance(command, cmd.LeaderAndIsrCommand):
                    self.leader_and_isrs.setdefault(broker_id, []).append(command)
                if isinstance(command, cmd.UpdateMetadataCommand):
                    self.update_metadatas.setdefault(broker_id, []).append(command)
                if isinstance(command, cmd.StopReplicaCommand):
                    self.stop_replicas.setdefault(broker_id, []).append(command)
                self.output.append(f"send     {broker_id} {told(command)}")
            case eff.OpenChannel(registration):
                self.output.append(
                    f"open     {registration.broker_id} broker_epoch={registration.epoch}"
                )
            case eff.CloseChannel(broker_id):
                self.stop_replicas.pop(broker_id, None)
                self.leader_and_isrs.pop(broker_id, None)
                self.update_metadatas.pop(broker_id, None)
                self.output.append(f"close    {broker_id}")
            case eff.Reply(result):
                self.output.append(f"reply    {plain(result)}")
            case eff.Record(kind, facts, headline):
                told_of = " ".join(f"{name}={plain(fact)}" for name, fact in facts.items())
                self.output.append(f"{'record' if headline else '  so  '}   {kind} {told_of}")
        return None

    def get(self, path: str) -> Node | None:
        try:
            return self.tree.node(path)
        except NoNode:
            return None

    def persist(self, multi: tuple[Op, ...]) -> list[str | Stat | None] | StoreError:
        """A write whose answer was lost is asked for again, as the runner does."""
        while self.interference:
            op = self.interference.pop(0)
            self.output.append(f"meddler  {written(op)}")
            self.change(op)
        if self.lose_answer:
            self.lose_answer = False
            self.notice(self.tree.commit(list(multi), NOBODY, 0)[1])
            self.output.append(f"persist  {'; '.join(map(written, multi[1:]))}  -> answer lost")
        assert multi[0] == Check(paths.CONTROLLER_EPOCH, multi[0].version)  # type: ignore[union-attr]
        line = f"persist  {'; '.join(map(written, multi[1:]))}"
        try:
            results, events = self.tree.commit(list(multi), NOBODY, 0)
        except MultiFailed as error:
            self.output.append(f"{line}  -> {type(error.error).__name__}")
            return error
        self.output.append(line)
        self.notice(events)
        return [result.path if isinstance(result, Created) else result for result in results]

    def show(self, prefix: str) -> None:
        node = self.tree.node(prefix)
        data = f" {node.data.decode()} @{node.stat.version}" if node.data else ""
        self.output.append(f"{prefix}{data}")
        for name in self.tree.children(prefix):
            self.show(f"{prefix.rstrip('/')}/{name}")


def topic_partition(text: str) -> TopicPartition:
    topic, _, number = text.rpartition("-")
    return TopicPartition(topic, int(number))


def brokers(text: str) -> tuple[int, ...]:
    return tuple(int(broker_id) for broker_id in text.split(",") if broker_id)


def assignment(replicas: str) -> PartitionAssignment:
    return PartitionAssignment(brokers(replicas))


def topic_data(topic: str, topic_id: uuid.UUID | None, options: dict[str, str]) -> bytes:
    partitions = {int(number): assignment(replicas) for number, replicas in options.items()}
    return encode_topic(TopicAssignment(topic, topic_id, partitions))


def written(op: Op) -> str:
    match op:
        case Create(path, data):
            return f"create {path} {data.decode()}".rstrip()
        case Set(path, data, version):
            return f"set {path}@{'any' if version == -1 else version} {data.decode()}"
        case Delete(path, _):
            return f"delete {path}"
        case Check(path, version):
            return f"check {path}@{version}"


def told(command: cmd.Command) -> str:
    head = f"epoch={command.controller_epoch} broker_epoch={command.broker_epoch}"
    parts: list[str] = []
    match command:
        case cmd.LeaderAndIsrCommand():
            for partition, each in command.partitions.items():
                new = " new" * each.is_new
                moving = ""
                if each.adding or each.removing:
                    moving = f" adding={plain(each.adding)} removing={plain(each.removing)}"
                parts.append(f"{partition} {state(each.leader_and_isr)}{moving}{new}")
            head += f" leaders={plain([leader.broker_id for leader in command.live_leaders])}"
        case cmd.UpdateMetadataCommand():
            for partition, metadata in command.partitions.items():
                offline = metadata.offline_replicas
                gone = f" offline={plain(offline)}" if offline else ""
                parts.append(f"{partition} {state(metadata.leader_and_isr)}{gone}")
            head += f" live={plain([broker.broker_id for broker in command.live_brokers])}"
        case cmd.StopReplicaCommand():
            for partition, stop in command.partitions.items():
                parts.append(
                    f"{partition} leader_epoch={stop.leader_epoch}{' delete' * stop.delete}"
                )
    name = type(command).__name__.removesuffix("Command")
    return f"{name} {head}{''.join(f' | {part}' for part in parts)}"


def state(value: LeaderAndIsr) -> str:
    recovering = " recovering" * value.leader_recovery_state
    return (
        f"leader={value.leader} epoch={value.leader_epoch} isr={plain(value.isr)} "
        f"version={value.partition_epoch}{recovering}"
    )


def plain(value: object) -> str:
    match value:
        case set() | frozenset():
            return f"{{{','.join(sorted(plain(each) for each in value))}}}"
        case tuple() | list():
            return f"[{','.join(plain(each) for each in value)}]"
        case dict():
            return f"{{{', '.join(f'{plain(k)}: {plain(v)}' for k, v in value.items())}}}"
        case rq.KafkaErrorName():
            return value.value
        case rq.LeadersElected(results) | rq.FeaturesUpdated(results):
            return plain(results)
        case rq.Refusal(error, message):
            return error.value if message is None else f"{error.value} ({message})"
        case PartitionAssignment(replicas, adding, removing):
            return f"{plain(replicas)} adding={plain(adding)} removing={plain(removing)}"
        case LeaderAndIsr():
            return state(value)
    return str(value)
