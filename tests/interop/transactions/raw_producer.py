"""A transactional producer that sends what no client would, or when no client would.

    producer = RawProducer(cluster, "id", "topic")      # of one partition
    producer.init(); producer.add_partition(); producer.produce(0); producer.end(committed=True)

Each call is one request and returns its error code. AddPartitionsToTxn and EndTxn are written by
hand (version 2, the last one before the flexible ones), so that nothing of ours stands between:

    AddPartitionsToTxn  transactional id string | producer id int64 | epoch int16
                        | array of (topic string | array of partition int32)
    EndTxn              transactional id string | producer id int64 | epoch int16 | committed bool
"""

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from broker.wire import framing
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import api_versions as av
from broker.wire.messages import find_coordinator as fc
from broker.wire.messages import init_producer_id as ip
from broker.wire.messages import produce as pr
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.support.cluster import TestCluster
from tests.support.raw_client import RawClient
from tests.support.tcp_proxy import TcpProxyThread, tcp_proxy

TRANSACTION_KEY_TYPE: Final = 1
ADD_PARTITIONS_TO_TXN, END_TXN = 24, 26
VERSION = 2
TIMEOUT_S = 30.0
POLL_S = 0.05
CLIENT_ID = b"raw"

# The coordinator is still being found, or is still ending the transaction before.
NOT_YET = {
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.CONCURRENT_TRANSACTIONS,
}


class RawProducer:
    def __init__(self, cluster: TestCluster, name: str, topic: str) -> None:
        self.name, self.topic = name, topic
        self.producer_id, self.epoch = -1, -1
        leader = cluster.metadata(1).topics[topic].partitions[0].leader
        self.leader_port = cluster.brokers[leader].port
        self._leader = RawClient(f"127.0.0.1:{self.leader_port}")
        self._coordinator = RawClient(_coordinator_address(cluster, name))
        self._answered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leader.close()
        self._coordinator.close()

    def init(self, *, timeout_ms: int = 60_000) -> None:
        """A producer id, or a higher epoch: an open transaction of this name is aborted."""
        request = ip.InitProducerIdRequest(
            transactional_id=self.name, transaction_timeout_ms=timeout_ms
        )
        deadline = time.monotonic() + TIMEOUT_S
        answer = self._coordinator.ask(ApiKey.INIT_PRODUCER_ID, 4, request)
        while ErrorCode(answer.error_code) in NOT_YET:
            assert time.monotonic() < deadline, answer
            time.sleep(POLL_S)
            answer = self._coordinator.ask(ApiKey.INIT_PRODUCER_ID, 4, request)
        assert answer.error_code == 0, answer
        self.producer_id, self.epoch = answer.producer_id, answer.producer_epoch

    def add_partition(self) -> ErrorCode:
        body = self._who() + struct.pack(">i", 1) + _string(self.topic) + struct.pack(">ii", 1, 0)
        return self._until_decided(ADD_PARTITIONS_TO_TXN, body)

    def end(self, *, committed: bool) -> ErrorCode:
        return self._until_decided(END_TXN, self._who() + struct.pack(">?", committed))

    def produce(
        self, sequence: int, value: str = "", *, timestamp_ms: int | None = None
    ) -> ErrorCode:
        """One record with that sequence number, whatever the coordinator knows of it."""
        request = self._produce_request(sequence, value, timestamp_ms)
        return _produced(self._leader.ask(ApiKey.PRODUCE, 11, request))

    @contextmanager
    def produce_late(self, sequence: int, value: str = "") -> Iterator["LateRequest"]:
        """The same, on a link that lets nothing pass before `arrive` is called."""
        chunks = framing.encode_request(
            ApiKey.PRODUCE, 11, 1, "raw", self._produce_request(sequence, value, None)
        )
        with tcp_proxy(self.leader_port) as link, RawClient(f"127.0.0.1:{link.port}") as client:
            client.ask(ApiKey.API_VERSIONS, 0, av.ApiVersionsRequest())  # so that the link is there
            link.freeze()
            client.socket.sendall(b"".join(bytes(chunk) for chunk in chunks if chunk))  # type: ignore[arg-type]
            yield LateRequest(link, client)

    def _produce_request(
        self, sequence: int, value: str, timestamp_ms: int | None
    ) -> pr.ProduceRequest:
        now_ms = int(time.time() * 1000)
        records = [
            Record(
                value=value.encode(), timestamp_ms=now_ms if timestamp_ms is None else timestamp_ms
            )
        ]
        batch = build_batch(
            records,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=sequence,
            is_transactional=True,
        )
        partition = pr.PartitionProduceData(index=0, records=batch)
        return pr.ProduceRequest(
            transactional_id=self.name,
            acks=-1,
            timeout_ms=10_000,
            topic_data=[pr.TopicProduceData(name=self.topic, partition_data=[partition])],
        )

    def _who(self) -> bytes:
        return _string(self.name) + struct.pack(">qh", self.producer_id, self.epoch)

    def _until_decided(self, api_key: int, body: bytes) -> ErrorCode:
        """Both answers end with their one error code."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            header = struct.pack(">hhih", api_key, VERSION, 1, len(CLIENT_ID)) + CLIENT_ID
            frame = struct.pack(">i", len(header) + len(body)) + header + body
            answer = self._coordinator.send_raw(frame)
            assert isinstance(answer, bytes), answer
            error = ErrorCode(struct.unpack(">h", answer[-2:])[0])
            if error not in NOT_YET:
                return error
            assert time.monotonic() < deadline, error
            time.sleep(POLL_S)


class LateRequest:
    """A produce request that is on its way."""

    def __init__(self, link: TcpProxyThread, client: RawClient) -> None:
        self._link, self._client = link, client

    def arrive(self) -> ErrorCode:
        self._link.mend()
        frame = memoryview(self._client.read_frame())
        return _produced(framing.decode_response(ApiKey.PRODUCE, 11, frame)[1])


def _produced(answer: pr.ProduceResponse) -> ErrorCode:
    return ErrorCode(answer.responses[0].partition_responses[0].error_code)


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _coordinator_address(cluster: TestCluster, name: str) -> str:
    """Asking for it makes `__transaction_state`, which takes a while the first time."""
    request = fc.FindCoordinatorRequest(key_type=TRANSACTION_KEY_TYPE, coordinator_keys=[name])
    deadline = time.monotonic() + TIMEOUT_S
    with RawClient(cluster.address(1)) as client:
        while True:
            (found,) = client.ask(ApiKey.FIND_COORDINATOR, 4, request).coordinators
            if found.error_code == 0:
                return f"127.0.0.1:{found.port}"
            assert time.monotonic() < deadline, found
            time.sleep(POLL_S)
