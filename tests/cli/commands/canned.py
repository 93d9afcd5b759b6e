"""A cluster of one broker that says what a test wants, and the command line run against it.

The command runs its own event loop, so the broker has one in a thread beside it. What it says of
topics and groups is enough for a command to find its way; a test adds what the command asks then:

    canned.answers(CreateTopicsRequest, CreateTopicsResponse(...))
    result = canned.admin("topic", "create", "orders", "-o", "json")
    assert result.exit_code == 0

With `-o json` the answer is held against the command's schema.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import attrs
import trio
from click.testing import CliRunner, Result

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)
from broker.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from cli.admin import main
from tests.support.fake_broker import FakeBroker, fake_broker
from tests.support.json_schema import complaints

SCHEMAS = Path(__file__).parents[3] / "cli" / "schemas"
BROKER_ID = 1


def topic(name: str, *partitions: tuple[int | None, Sequence[int], Sequence[int]]) -> Any:
    """A topic in Metadata; each partition is (leader, replicas, isr)."""
    return MetadataResponseTopic(
        name=name,
        topic_id=UUID(int=7),
        partitions=[
            MetadataResponsePartition(
                partition_index=number,
                leader_id=-1 if leader is None else leader,
                leader_epoch=3,
                replica_nodes=list(replicas),
                isr_nodes=list(isr),
            )
            for number, (leader, replicas, isr) in enumerate(partitions)
        ],
    )


@attrs.define
class Canned:
    """The broker, its topics, and what they are set to (`topic -> [(name, value, source)]`).

    It may be several brokers at once, by id: then all of them are at the same address.
    """

    broker: FakeBroker
    topics: list[Any] = attrs.field(factory=list)
    configs: dict[str, list[tuple[str, str, int]]] = attrs.field(factory=dict)
    broker_ids: tuple[int, ...] = (BROKER_ID,)

    def answers(self, request: type, answer: object | Callable[[Any], object]) -> None:
        """What it says to this request from now on: always the same, or a function of it."""
        function = cast("Callable[[Any], object]", answer) if callable(answer) else None
        self.broker.script = {**self.broker.script, request: function or (lambda _: answer)}

    def asked(self, request: type) -> list[Any]:
        """The requests of this class that came."""
        return [each for each in self.broker.requests if isinstance(each, request)]

    def admin(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run `zbroker-admin` on this cluster."""
        result = invoke(*arguments, "-b", str(self.broker.address), stdin=stdin)
        if result.stdout and "json" in arguments:
            check_schema(arguments, json.loads(result.stdout))
        return result

    def facts(self, *arguments: str, exit_code: int = 0) -> Any:
        """The JSON that the command prints."""
        result = self.admin(*arguments, "-o", "json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)

    def _metadata(self, request: MetadataRequest) -> MetadataResponse:
        known = {each.name: each for each in self.topics}
        asked = known if request.topics is None else [each.name for each in request.topics]
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        here = self.broker.address
        return MetadataResponse(
            brokers=[
                MetadataResponseBroker(node_id=broker_id, host=here.host, port=here.port)
                for broker_id in self.broker_ids
            ],
            controller_id=BROKER_ID,
            topics=[
                known.get(name) or MetadataResponseTopic(name=name, error_code=unknown)
                for name in asked
            ],
        )

    def _coordinators(self, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
        here = self.broker.address
        return FindCoordinatorResponse(
            coordinators=[
                Coordinator(key=key, node_id=BROKER_ID, host=here.host, port=here.port)
                for key in request.coordinator_keys
            ]
        )

    def _configs(self, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
        return DescribeConfigsResponse(
            results=[
                DescribeConfigsResult(
                    resource_type=resource.resource_type,
                    resource_name=resource.resource_name,
                    configs=[
                        DescribeConfigsResourceResult(name=name, value=value, config_source=source)
                        for name, value, source in self.configs.get(resource.resource_name, [])
                    ],
                )
                for resource in request.resources
            ]
        )

    def script_the_usual(self) -> None:
        self.answers(MetadataRequest, self._metadata)
        self.answers(FindCoordinatorRequest, self._coordinators)
        self.answers(DescribeConfigsRequest, self._configs)
        self.answers(ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse())


def invoke(
    *arguments: str, stdin: str | None = None, env: Mapping[str, str] | None = None
) -> Result:
    """Run `zbroker-admin` as a user who has set nothing up."""
    nothing = str(Path(__file__).with_name("no-config"))
    runner = CliRunner(env={"ZBROKER_BOOTSTRAP": None, "XDG_CONFIG_HOME": nothing, **(env or {})})
    return runner.invoke(main, list(arguments), input=stdin)


def check_schema(arguments: Sequence[str], answer: object) -> None:
    """Hold a JSON answer against the schema of its command: the first one or two words."""
    words = [each.replace("-", "_") for each in arguments if not each.startswith("-")]
    names = ["_".join(words[:length]) for length in (3, 2, 1)]
    file = next(file for name in names if (file := SCHEMAS / f"{name}.json").exists())
    assert list(complaints(json.loads(file.read_text()), answer)) == []


@contextmanager
def canned_cluster() -> Iterator[Canned]:
    started = threading.Event()
    made: list[tuple[FakeBroker, trio.lowlevel.TrioToken, trio.CancelScope]] = []

    async def serve() -> None:
        with trio.CancelScope() as scope:
            async with fake_broker({}) as broker:
                made.append((broker, trio.lowlevel.current_trio_token(), scope))
                started.set()
                await trio.sleep_forever()

    thread = threading.Thread(target=trio.run, args=(serve,), daemon=True)
    thread.start()
    assert started.wait(10), "no broker"
    broker, token, scope = made[0]
    canned = Canned(broker)
    canned.script_the_usual()
    try:
        yield canned
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join(10)
