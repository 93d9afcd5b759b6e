"""Damaged frames to a real broker over sockets: many in a row on one connection, many rows at once.

Whatever it is sent, each answer belongs to the request in whose turn it comes (by its correlation
id, which no other row has, and as a message of that API and version), a good request on a new
connection is served, the broker's memory stays where it was, and its log tells of no defect.

A seed makes the same rows again, but not again in the same order among each other: a failure names
all that were under way.
"""

import math
import random
import struct
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
import trio
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    OpData,
    RequestEntityData,
    RequestEntryData,
)
from tests.broker.wire.sample_requests import TOPIC
from tests.fuzz import corpus
from tests.fuzz.chosen import cases, seed
from tests.fuzz.conversations import Conversations, Row
from tests.fuzz.damage import damaged
from tests.fuzz.progress import Progress
from tests.support.cluster import TestCluster, running_cluster
from tests.support.memory import resident_mb
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics

pytestmark = pytest.mark.server

FEW, MANY = 2_000, 20_000
IN_A_ROW = 25
MOST_GROWTH_MB = 30

# Orders between brokers, and what makes or deletes topics: a damaged one that is still valid does
# as it says, and then there is no broker to ask any more, or one with a million partitions.
LEFT_OUT = {
    ApiKey.LEADER_AND_ISR,
    ApiKey.STOP_REPLICA,
    ApiKey.UPDATE_METADATA,
    ApiKey.CONTROLLED_SHUTDOWN,
    ApiKey.ALTER_PARTITION,
    ApiKey.CREATE_TOPICS,
    ApiKey.CREATE_PARTITIONS,
    ApiKey.DELETE_TOPICS,
}

QUOTAS = (
    "producer_byte_rate",
    "consumer_byte_rate",
    "request_percentage",
    "controller_mutation_rate",
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """One broker with one topic, that of the good requests."""
    properties = {"auto.create.topics.enable": "false"}
    directory = tmp_path_factory.mktemp("fuzz")
    with running_cluster("zbroker", directory, brokers=1, properties=properties) as cluster:
        make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, 1))
        be_generous(cluster.address(1))
        yield cluster


def be_generous(broker: str) -> None:
    """Give this user limits of its own, which come before those of any user.

    A damaged AlterClientQuotas may give any user next to nothing. Each connection would then be
    held for a second behind its first answer, and what comes behind that not be looked at.
    """
    entry = RequestEntryData(
        entity=[RequestEntityData(entity_type="user", entity_name="ANONYMOUS")],
        ops=[OpData(key=quota, value=1e12) for quota in QUOTAS],
    )
    with RawClient(broker) as client:
        request = AlterClientQuotasRequest(entries=[entry])
        [answer] = client.ask(ApiKey.ALTER_CLIENT_QUOTAS, 1, request).entries
        assert answer.error_code == 0, answer


async def test_a_few(cluster: TestCluster, say: Callable[[str], None]) -> None:
    await run(cluster, seed(9), FEW, say)


@pytest.mark.matrix
@pytest.mark.timeout(1800)
async def test_many(cluster: TestCluster, say: Callable[[str], None]) -> None:
    await run(cluster, seed(10), cases(MANY, share=0.1), say)


# Rows of frames

_GOOD = struct.pack(">hh", ApiKey.API_VERSIONS, 0)
_NO_CLIENT_ID = struct.pack(">h", -1)


def damaged_rows(rng: random.Random, count: int) -> Iterator[Row]:
    """At least `count` damaged frames in all.

    A good one comes last in each row: its answer says that the broker has looked at all of them.
    """
    good = [frame for key, frame in corpus.requests() if key not in LEFT_OUT]
    for number in range(math.ceil(count / IN_A_ROW)):
        first_id = number * (IN_A_ROW + 1)
        end_id = first_id + IN_A_ROW
        frames = [_numbered(each, rng.choice(good), rng) for each in range(first_id, end_id)]
        yield Row(first_id, [*frames, _GOOD + struct.pack(">i", end_id) + _NO_CLIENT_ID])


def _numbered(correlation_id: int, frame: bytes, rng: random.Random) -> bytes:
    """Damaged behind the correlation id; seldom in API and version, too."""
    head, body = frame[:4], frame[8:]
    if rng.random() < 0.02:
        head = damaged(head, rng)[:4].ljust(4, b"\0")
        if struct.unpack(">h", head[:2])[0] in LEFT_OUT:
            head = frame[:4]
    return head + struct.pack(">i", correlation_id) + damaged(body, rng)


async def run(cluster: TestCluster, seed: int, count: int, say: Callable[[str], None]) -> None:
    pid = cluster.brokers[1].pid
    rows = damaged_rows(random.Random(seed), count)
    progress = Progress("frames to a broker", math.ceil(count / IN_A_ROW) * (IN_A_ROW + 1), say)
    conversations = Conversations(cluster.address(1), progress)
    outcomes = conversations.outcomes
    await conversations.hold_all(islice(rows, math.ceil(count / 5 / IN_A_ROW)))
    before_mb = resident_mb(pid)
    await conversations.hold_all(rows)
    await conversations.assert_served()
    grown_mb = resident_mb(pid) - before_mb
    print(
        f"{count} frames of seed {seed}, {progress.rate()}, "
        f"the broker {before_mb:.0f} MB and {grown_mb:+.0f} MB: {outcomes}"
    )
    assert grown_mb < MOST_GROWTH_MB
    assert min(outcomes["answered"], outcomes["closed"]) > count / 50, outcomes
    assert outcomes["waited"] < count / 100, outcomes  # few frames mean to
    log = await trio.Path(cluster.brokers[1].log_file).read_text(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]
