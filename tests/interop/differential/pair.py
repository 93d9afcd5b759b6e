"""The two brokers, and asking both the same."""

import select
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from socket import socket
from threading import Event
from typing import Any, Final

import attrs

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.api_versions import ApiVersionsRequest
from broker.wire.messages.describe_transactions import DescribeTransactionsRequest
from broker.wire.messages.metadata import MetadataRequest
from tests.interop.differential.symbols import Names, Symbol, in_words_of
from tests.support.broker_process import Kind, running_broker
from tests.support.cluster import SETTINGS
from tests.support.raw_client import CLOSED, RawClient
from tests.support.waiting import wait_until

BROKER_ID = 1
CLIENT_ID = "differential"

# No answer for so long is an answer, too: of both; of one, when the other has answered.
SILENCE_S, LONELY_SILENCE_S = 4.0, 10.0
# How long a state that passes by itself may last.
PASSING_S = 2.0
POLL_S = 0.01

PROPERTIES = {
    **SETTINGS,
    "auto.create.topics.enable": "false",
    # The records' timestamps are old, and each broker looks at another time for what is too old.
    "log.retention.ms": "-1",
    # A marker's is not, and closes their segment: each would compact it at another moment.
    "log.cleaner.backoff.ms": "3600000",
    "log.dirs": "{directory}/first,{directory}/second",
    # A time that a test may wait for, but no group is ever without its member meanwhile.
    "group.max.session.timeout.ms": "1800000",
    # What is told of a transaction must not change by itself while it is compared.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "600000",
}


class Outcome:
    """What came instead of an answer."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return self._words


SILENCE: Final = Outcome("SILENCE")
NOTHING: Final = Outcome("NOTHING")  # and nothing was due: acks=0

# States that a broker is in for a moment, at another time than the other one.
PASSING: Final = {
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.CONCURRENT_TRANSACTIONS,
}


@attrs.define
class Patience:
    """How long both sides wait for their answers to one question."""

    silence_s: float
    _answered: Event = attrs.field(factory=Event)

    def lasts_until_readable(self, connection: socket) -> bool:
        """False if no answer comes, nor the connection's end."""
        began = time.monotonic()
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        while not poll.poll(POLL_S * 1000):
            longest_s = LONELY_SILENCE_S if self._answered.is_set() else self.silence_s
            if time.monotonic() - began > longest_s:
                return False
        self._answered.set()
        return True


@attrs.define
class Side:
    """One of the two brokers."""

    kind: Kind
    client: RawClient
    names: Names

    def ask(self, key: ApiKey, version: int, request: Any, patience: Patience) -> Any:
        """The answer, once no passing state is in the way; or CLOSED, SILENCE, NOTHING."""
        question = in_words_of(self.names, request)
        deadline = time.monotonic() + PASSING_S
        while True:
            answer = self._ask(key, version, question, patience)
            if not PASSING.intersection(error_codes(answer)) or time.monotonic() > deadline:
                return answer
            time.sleep(POLL_S)

    def wait_until_ended(self, transactional_id: Symbol | str) -> None:
        """Until the markers of the transaction are written: they come after EndTxn's answer."""
        question = in_words_of(
            self.names,
            DescribeTransactionsRequest(transactional_ids=[transactional_id]),  # type: ignore[list-item]
        )

        def has_ended() -> bool:
            [found] = self.client.ask(ApiKey.DESCRIBE_TRANSACTIONS, 0, question).transaction_states
            return not found.transaction_state.startswith("Prepare")

        wait_until("the transaction to end", has_ended)

    def _ask(self, key: ApiKey, version: int, question: Any, patience: Patience) -> Any:
        try:
            self.client.send(key, version, question)
            if key is ApiKey.PRODUCE and question.acks == 0:
                after = self.client.ask(ApiKey.API_VERSIONS, 0, ApiVersionsRequest())
                return CLOSED if after is CLOSED else NOTHING
        except OSError:
            self.client.close()
            return CLOSED
        if not patience.lasts_until_readable(self.client.socket):
            self.client.close()
            return SILENCE
        return self.client.receive(key, version)


def error_codes(answer: Any) -> Iterator[int]:
    """All error codes in an answer."""
    if isinstance(answer, list):
        for item in answer:
            yield from error_codes(item)
    elif attrs.has(type(answer)):
        for field in attrs.fields(type(answer)):
            value = getattr(answer, field.name)
            if field.name.endswith("error_code"):
                yield value
            else:
                yield from error_codes(value)


@attrs.define
class Pair:
    """Kafka and zbroker."""

    kafka: Side
    ours: Side
    _threads: ThreadPoolExecutor

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.kafka, self.ours

    def ask(
        self, key: ApiKey, version: int, request: Any, silence_s: float = SILENCE_S
    ) -> tuple[Any, Any]:
        """Kafka's answer and ours; what they name in them is learnt."""
        # At the same time, for some answers take theirs.
        patience = Patience(silence_s)
        kafka, ours = self._threads.map(
            lambda side: side.ask(key, version, request, patience), self.sides
        )
        for side, answer in zip(self.sides, (kafka, ours), strict=True):
            if isinstance(answer, API_TABLE[key].response_class):
                learn(side.names, key, request, answer)
                if key is ApiKey.END_TXN:
                    side.wait_until_ended(request.transactional_id)
        return kafka, ours

    def name(self, kind: str, name: str, value: Any) -> None:
        """Give a symbol the same value at both."""
        for side in self.sides:
            side.names.learn(Symbol(kind, name), value)

    def forget(self, name: str) -> None:
        for side in self.sides:
            side.names.forget(name)


def learn(names: Names, key: ApiKey, request: Any, answer: Any) -> None:
    """Remember what the broker names in this answer, for requests to come."""
    match key:
        case ApiKey.JOIN_GROUP:
            group = _plain_name(request.group_id)
            if answer.member_id:
                names.learn(Symbol("member", group), answer.member_id)
            if answer.generation_id >= 0:
                names.learn(Symbol("generation", group), answer.generation_id)
        case ApiKey.INIT_PRODUCER_ID:
            producer = _plain_name(request.transactional_id)
            if answer.producer_id >= 0:
                names.learn(Symbol("producer", producer), answer.producer_id)
                names.learn(Symbol("epoch", producer), answer.producer_epoch)
        case ApiKey.FETCH:
            if answer.session_id:
                names.learn(Symbol("session", "this"), answer.session_id)


def _plain_name(name: Symbol | str | None) -> str:
    return name.name if isinstance(name, Symbol) else str(name)


def _knows_itself(client: RawClient) -> bool:
    """A Kafka that says it has started has not heard of any broker yet, not even of itself."""
    return bool(client.ask(ApiKey.METADATA, 9, MetadataRequest(topics=[])).brokers)


@contextmanager
def running_pair(zookeeper: str, directory: Path) -> Iterator[Pair]:
    """Both brokers, each in a chroot of its own, with the same properties."""
    with ExitStack() as stack:
        sides: dict[Kind, Side] = {}
        kinds: tuple[Kind, Kind] = ("zbroker", "kafka")
        for kind in kinds:
            home = directory / kind
            broker = stack.enter_context(
                running_broker(
                    kind,
                    BROKER_ID,
                    f"{zookeeper}/{kind}",
                    home,
                    properties={
                        name: value.replace("{directory}", str(home))
                        for name, value in PROPERTIES.items()
                    },
                )
            )
            client = stack.enter_context(RawClient(f"127.0.0.1:{broker.port}", CLIENT_ID))
            wait_until(f"{kind} to know of itself", partial(_knows_itself, client))
            names = Names()
            for directory_name in ("first", "second"):
                path = str(home / directory_name)
                names.learn(Symbol("directory", directory_name), path)
            names.learn(Symbol("port", "its"), broker.port)
            sides[kind] = Side(kind, client, names)
        threads = stack.enter_context(ThreadPoolExecutor(len(sides)))
        yield Pair(sides["kafka"], sides["zbroker"], threads)
