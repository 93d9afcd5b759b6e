"""The client against brokers that refuse, move, hang and hang up."""

import socket
import struct
from contextlib import closing

import pytest
import trio

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from broker.wire.messages.create_topics import (
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponseTopic,
)
from cli.client import (
    Address,
    ConnectionLost,
    NoBrokerReachable,
    TimedOut,
    VersionNotSupported,
    open_cluster,
)
from cli.client.topic_changes import NewTopic, create_topics
from cli.client.topics import topic_names
from tests.support.fake_broker import HANG_UP, SILENT, FakeBroker, Script, fake_broker

LONG_S = 20.0


def closed_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def metadata(controller: Address, *others: Address) -> MetadataResponse:
    """Broker 1 is the controller."""
    return MetadataResponse(
        brokers=[
            MetadataResponseBroker(node_id=number, host=address.host, port=address.port)
            for number, address in enumerate([controller, *others], start=1)
        ],
        controller_id=1,
        topics=[MetadataResponseTopic(name="orders")],
    )


def created(code: ErrorCode) -> CreateTopicsResponse:
    return CreateTopicsResponse(topics=[CreatableTopicResult(name="orders", error_code=code)])


def knowing(*brokers: FakeBroker) -> Script:
    return {MetadataRequest: lambda _: metadata(*(each.address for each in brokers))}


async def test_the_next_address_is_tried_when_one_is_dead() -> None:
    dead = Address("127.0.0.1", closed_port())
    async with fake_broker({}) as broker:
        broker.script = {**broker.script, **knowing(broker)}
        async with open_cluster([dead, broker.address], timeout_seconds=LONG_S) as cluster:
            assert await topic_names(cluster) == ["orders"]


async def test_no_broker_reachable_names_every_address_and_reason() -> None:
    addresses = [Address("127.0.0.1", closed_port()), Address("127.0.0.1", closed_port())]
    with pytest.raises(NoBrokerReachable) as caught:
        async with open_cluster(addresses, timeout_seconds=LONG_S) as cluster:
            await topic_names(cluster)
    for address in addresses:
        assert f"{address} (Connection refused)" in str(caught.value)


async def test_an_old_broker_is_asked_again_at_version_0() -> None:
    """Its first answer has the shape of version 0 and error 35, whatever was asked (KIP-511)."""
    versions = [
        ApiVersion(api_key=ApiKey.METADATA, min_version=0, max_version=12),
        ApiVersion(api_key=ApiKey.CREATE_TOPICS, min_version=0, max_version=3),
    ]

    async def old_broker(stream: trio.SocketStream) -> None:
        known = b"".join(
            struct.pack(">hhh", each.api_key, each.min_version, each.max_version)
            for each in versions
        )
        for body in (
            struct.pack(">hi", ErrorCode.UNSUPPORTED_VERSION, 0),
            struct.pack(">hi", ErrorCode.NONE, len(versions)) + known,
        ):
            request = await stream.receive_some(65536)
            answer = request[8:12] + body  # the correlation id first
            await stream.send_all(struct.pack(">i", len(answer)) + answer)
        await trio.sleep_forever()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address("127.0.0.1", listener.socket.getsockname()[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, old_broker, [listener])
        async with open_cluster([address], timeout_seconds=LONG_S) as cluster:
            broker = await cluster.any_broker()
            assert str(broker.versions[ApiKey.METADATA]) == "0 to 12"
            with pytest.raises(VersionNotSupported, match="CreateTopics versions 0 to 3; one of 4"):
                await broker.call(CreateTopicsRequest(), CreateTopicsResponse, needs=4)
        nursery.cancel_scope.cancel()


async def test_a_broker_without_the_api_is_named() -> None:
    def metadata_only(_request: ApiVersionsRequest) -> ApiVersionsResponse:
        return ApiVersionsResponse(
            api_keys=[ApiVersion(api_key=ApiKey.METADATA, min_version=0, max_version=12)]
        )

    async with (
        fake_broker({ApiVersionsRequest: metadata_only}) as broker,
        open_cluster([broker.address], timeout_seconds=LONG_S) as cluster,
    ):
        connection = await cluster.any_broker()
        with pytest.raises(VersionNotSupported, match="CreateTopics not at all"):
            await connection.call(CreateTopicsRequest(), CreateTopicsResponse)
        assert not any(isinstance(each, CreateTopicsRequest) for each in broker.requests)


@pytest.mark.long
async def test_the_controller_is_looked_up_again_when_it_has_moved() -> None:
    """Two answer NOT_CONTROLLER or have no controller before one says yes."""
    async with fake_broker({}) as old, fake_broker({}) as new:
        views = [
            metadata(old.address, new.address),
            MetadataResponse(controller_id=-1),
            metadata(new.address, old.address),
        ]
        old.script = {
            **old.script,
            MetadataRequest: lambda _: views.pop(0),
            CreateTopicsRequest: lambda _: created(ErrorCode.NOT_CONTROLLER),
        }
        new.script = {**new.script, CreateTopicsRequest: lambda _: created(ErrorCode.NONE)}
        async with open_cluster([old.address], timeout_seconds=LONG_S) as cluster:
            (outcome,) = await create_topics(cluster, [NewTopic("orders")])
        assert outcome.done
        assert views == []


async def test_a_change_whose_answer_is_lost_is_not_sent_again() -> None:
    async with fake_broker({CreateTopicsRequest: lambda _: HANG_UP}) as broker:
        broker.script = {**broker.script, **knowing(broker)}
        with pytest.raises(ConnectionLost, match="whether it was carried out is unknown"):
            async with open_cluster([broker.address], timeout_seconds=LONG_S) as cluster:
                await create_topics(cluster, [NewTopic("orders")])
        assert sum(isinstance(each, CreateTopicsRequest) for each in broker.requests) == 1


async def test_a_question_whose_answer_is_lost_is_asked_again() -> None:
    async with fake_broker({}) as broker:
        answers: list[object] = [HANG_UP, metadata(broker.address)]
        broker.script = {**broker.script, MetadataRequest: lambda _: answers.pop(0)}
        async with open_cluster([broker.address], timeout_seconds=LONG_S) as cluster:
            assert await topic_names(cluster) == ["orders"]


async def test_the_deadline_ends_everything_and_says_what_was_waited_for(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with fake_broker(
        {MetadataRequest: lambda _: MetadataResponse(controller_id=-1)}
    ) as broker:
        with pytest.raises(TimedOut, match=r"within 20 s; last: no active controller"):
            async with open_cluster([broker.address], timeout_seconds=LONG_S) as cluster:
                await create_topics(cluster, [NewTopic("orders")])


async def test_a_connection_that_the_deadline_cuts_short_is_closed() -> None:
    """Else its socket is left to the garbage collector, which complains."""
    async with fake_broker({ApiVersionsRequest: lambda _: SILENT}) as broker:
        with pytest.raises(TimedOut):
            async with open_cluster([broker.address], timeout_seconds=0.2) as cluster:
                await cluster.any_broker()
        with trio.fail_after(LONG_S):
            while broker.open_connections:  # noqa: ASYNC110 - TCP sends us no event
                await trio.sleep(0.01)
        assert len(broker.requests) == 1


async def test_whoever_does_not_speak_kafka_is_told_apart() -> None:
    async def web_server(stream: trio.SocketStream) -> None:
        await stream.receive_some(65536)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = Address("127.0.0.1", listener.socket.getsockname()[1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, web_server, [listener])
        with pytest.raises(NoBrokerReachable, match="is it a Kafka broker"):
            async with open_cluster([address], timeout_seconds=LONG_S) as cluster:
                await cluster.any_broker()
        nursery.cancel_scope.cancel()
