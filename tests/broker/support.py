"""A broker put together but not running: its handlers and its replicas, called directly.

    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", isr=(1, 2), replicas=(1, 2, 3))
        answer = await call(broker, ProduceRequest(...), version=9)

No task of it runs, nothing listens, ZooKeeper is the memory store. What the controller would say
is said by `lead`, `follow` and `know`, through the real handlers. Blocking calls are done in the
loop (see tests/simulation/world), so the autojump clock can be used.
"""

import random
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

import trio

from broker.api.context import Authorizer, RequestContext
from broker.api.dispatch import dispatcher
from broker.broker import Broker
from broker.build import build_broker
from broker.config.broker_config import BrokerConfig
from broker.events import EventLog
from broker.log.disk import Disk
from broker.network.answers import Later, Throttled
from broker.network.transport import Acceptor, Transport
from broker.surroundings import Surroundings
from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.codec import decode
from broker.wire.framing import EncodedResponse
from broker.wire.messages import leader_and_isr as li
from broker.wire.messages import update_metadata as um
from broker.zookeeper import ZooKeeper
from coordination.controller.runner import ActiveController
from coordination.memory_store import MemoryStore
from coordination.registration import create_persistent_paths
from coordination.topics import create_topic
from coordination.values import TopicPartition
from tests.simulation.world import no_threads
from tests.support.cleaning import in_this_process
from tests.support.unsynced_disk import UnsyncedDisk

START_MS = 1_700_000_000_000


def topic_id(topic: str) -> UUID:
    """The same for every broker of a test."""
    return UUID(bytes=topic.encode()[-16:].ljust(16, b"\1"))


def tp(text: str) -> TopicPartition:
    topic, _, partition = text.rpartition("-")
    return TopicPartition(topic, int(partition))


@asynccontextmanager
async def open_broker(
    directory: Path, broker_id: int = 1, disk: Disk | None = None, **properties: str
) -> AsyncIterator[Broker]:
    log_dir = directory / f"broker-{broker_id}"
    log_dir.mkdir(exist_ok=True)
    config = BrokerConfig.from_properties(
        {
            "broker.id": str(broker_id),
            "zookeeper.connect": "memory:2181",
            "listeners": f"PLAINTEXT://broker-{broker_id}:9092",
            "log.dirs": str(log_dir),
        }
        | {name.replace("_", "."): value for name, value in properties.items()}
    )
    with no_threads(0, slowest_call_s=0):  # where the clock is the real one, pauses take time
        store = MemoryStore(lambda: START_MS)
        session = await store.open_session()
        await create_persistent_paths(session)
        zookeeper = ZooKeeper()
        zookeeper.opened(session)
        surroundings = Surroundings(
            store=store,
            listen=_nobody_listens,
            connect=_nobody_answers,
            disk=disk or UnsyncedDisk(),
            clock_ms=lambda: START_MS + round(trio.current_time() * 1000),
            randomness=random.Random(1),
            start_cleaner=in_this_process(disk or UnsyncedDisk()),
        )
        broker = build_broker(config, "cluster", zookeeper, EventLog(broker_id), surroundings)
        await broker.logs.load({}, lambda _done, _total: None)
        yield broker
        await broker.logs.aclose(-1)


async def make_coordinators_topic(broker: Broker, topic: str, partitions: int = 1) -> None:
    """It is in ZooKeeper, and its partitions are counted: who leads one may answer for it."""
    session = await broker.topic_admin.zookeeper.session()
    assignment = dict.fromkeys(range(partitions), (1,))
    await create_topic(session, topic, assignment, {}, topic_id=topic_id(topic))
    await broker.partition_counts.count(session)


def take_the_controllers_seat(broker: Broker) -> None:
    """The broker believes that it is the controller. Nobody is there who'd decide anything."""
    broker.controller.active = cast(ActiveController, object())


async def call(
    broker: Broker,
    request: object,
    version: int,
    client_id: str = "test",
    wait: bool = True,
    listener: str = "PLAINTEXT",
    authorizer: Authorizer | None = None,
    size_bytes: int = 0,
) -> Any:
    """What the broker answers; with `wait` a `Later` is waited for, and no quota keeps us quiet."""
    name = type(request).__name__.removesuffix("Request")
    api_key = next(key for key in ApiKey if key.name.replace("_", "").lower() == name.lower())
    context = RequestContext(
        api_key=api_key,
        api_version=version,
        correlation_id=1,
        client_id=client_id,
        listener=listener,
        principal="User:ANONYMOUS",
        host="client",
        authorizer=authorizer,
        size_bytes=size_bytes,
    )
    answer = await dispatcher(broker)(context, request)
    if wait and isinstance(answer, Throttled):
        answer = answer.answer
    if isinstance(answer, EncodedResponse):
        return decode(API_TABLE[api_key].response_class, version, answer.body)
    return await answer.wait() if wait and isinstance(answer, Later) else answer


async def lead(
    broker: Broker,
    partition: str,
    isr: tuple[int, ...] = (1,),
    replicas: tuple[int, ...] | None = None,
    leader_epoch: int = 0,
    leader: int | None = None,
    partition_epoch: int = 0,
    controller_epoch: int = 1,
    broker_epoch: int = -1,
    id_of_topic: UUID | None = None,
    adding: tuple[int, ...] = (),
) -> li.LeaderAndIsrResponse:
    """LeaderAndIsr: by default this broker leads."""
    target = tp(partition)
    state = li.LeaderAndIsrPartitionState(
        partition_index=target.partition,
        controller_epoch=controller_epoch,
        leader=broker.broker_id if leader is None else leader,
        leader_epoch=leader_epoch,
        isr=list(isr),
        partition_epoch=partition_epoch,
        replicas=list(replicas or isr),
        adding_replicas=list(adding),
    )
    request = li.LeaderAndIsrRequest(
        controller_id=1,
        controller_epoch=controller_epoch,
        broker_epoch=broker_epoch,
        topic_states=[
            li.LeaderAndIsrTopicState(
                topic_name=target.topic,
                topic_id=id_of_topic or topic_id(target.topic),
                partition_states=[state],
            )
        ],
    )
    answer = await call(broker, request, 7)
    assert isinstance(answer, li.LeaderAndIsrResponse)
    return answer


async def know(
    broker: Broker,
    brokers: Iterable[int] = (1, 2, 3),
    partitions: Iterable[tuple[str, int, tuple[int, ...]]] = (),
    leader_epoch: int = 0,
    racks: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """UpdateMetadata: the live brokers, and of each partition its leader and replicas."""
    request = um.UpdateMetadataRequest(
        controller_id=1,
        controller_epoch=1,
        broker_epoch=-1,
        live_brokers=[
            um.UpdateMetadataBroker(
                id=broker_id,
                rack=racks.get(broker_id),
                endpoints=[
                    um.UpdateMetadataEndpoint(
                        host=f"broker-{broker_id}", port=9092, listener="PLAINTEXT"
                    )
                ],
            )
            for broker_id in brokers
        ],
        topic_states=[
            um.UpdateMetadataTopicState(
                topic_name=tp(partition).topic,
                topic_id=topic_id(tp(partition).topic),
                partition_states=[
                    um.UpdateMetadataPartitionState(
                        partition_index=tp(partition).partition,
                        controller_epoch=1,
                        leader=leader,
                        leader_epoch=leader_epoch,
                        isr=list(replicas),
                        replicas=list(replicas),
                    )
                ],
            )
            for partition, leader, replicas in partitions
        ],
    )
    await call(broker, request, 8)


async def _nobody_listens(host: str, port: int, backlog: int) -> Acceptor:
    raise OSError("this broker doesn't listen")


async def _nobody_answers(host: str, port: int) -> Transport:
    await trio.lowlevel.checkpoint()
    raise ConnectionRefusedError(f"nobody listens at {host}:{port}")
