"""Quotas by request: what is stored where, what a filter lets through, what is refused."""

import socket
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from broker.admin.applied_configs import apply_config_change
from broker.api.describe_client_quotas import ANY, DEFAULT, EXACT, matches
from broker.broker import Broker
from broker.events import EventLog
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_client_quotas as alter
from broker.wire.messages import describe_client_quotas as describe
from coordination.client_quotas import QuotaEntity, entity_of
from coordination.configs import change_config, read_config
from coordination.znodes import paths
from tests.broker.support import call, open_broker

Names = dict[str, str | None]
USER, CLIENT, IP = "user", "client-id", "ip"


async def change(
    broker: Broker, names: Names, quotas: dict[str, float | None], validate_only: bool = False
) -> tuple[ErrorCode, str | None]:
    entry = alter.RequestEntryData(
        entity=[
            alter.RequestEntityData(entity_type=kind, entity_name=name)
            for kind, name in names.items()
        ],
        ops=[
            alter.OpData(key=key, value=value or 0.0, remove=value is None)
            for key, value in quotas.items()
        ],
    )
    request = alter.AlterClientQuotasRequest(entries=[entry], validate_only=validate_only)
    [answer] = (await call(broker, request, 1)).entries
    assert {each.entity_type: each.entity_name for each in answer.entity} == names
    return ErrorCode(answer.error_code), answer.error_message


async def ask(
    broker: Broker, *components: tuple[str, int, str | None], strict: bool = False
) -> describe.DescribeClientQuotasResponse:
    request = describe.DescribeClientQuotasRequest(
        components=[
            describe.ComponentData(entity_type=kind, match_type=how, match=name)
            for kind, how, name in components
        ],
        strict=strict,
    )
    answer: describe.DescribeClientQuotasResponse = await call(broker, request, 1)
    return answer


async def test_where_quotas_are_stored_and_that_they_are_told(tmp_path: Path) -> None:
    stored = {
        ("users/User%3Aa%20b", USER, "User:a b"): {"producer_byte_rate": "1024"},
        ("users/<default>", USER, None): {"request_percentage": "12.5"},
        ("clients/app", CLIENT, "app"): {"controller_mutation_rate": "1.0E7"},
        ("ips/10.0.0.1", IP, "10.0.0.1"): {"connection_creation_rate": "7"},
    }
    async with open_broker(tmp_path) as broker:
        session = await broker.configs.session()
        for (path, kind, name), config in stored.items():
            quotas: dict[str, float | None] = {key: float(value) for key, value in config.items()}
            assert await change(broker, {kind: name}, quotas, validate_only=True) == (0, None)
            assert await read_config(session, path) == {}
            assert await change(broker, {kind: name}, quotas) == (0, None)
            assert await read_config(session, path) == config
            await apply_config_change(broker, path)
            assert broker.client_quotas.current[QuotaEntity.of({kind: name})] == quotas
        both: Names = {USER: "alice", CLIENT: None}
        assert await change(broker, both, {"consumer_byte_rate": 5.0}) == (0, None)
        path = "users/alice/clients/<default>"
        assert await read_config(session, path) == {"consumer_byte_rate": "5"}
        await apply_config_change(broker, path)
        assert broker.client_quotas.current[QuotaEntity.of(both)] == {"consumer_byte_rate": 5.0}
        assert len(await session.children(paths.CONFIG_CHANGES)) == 5

        before = broker.client_quotas.current
        await broker.client_quotas.read_all(session)
        assert broker.client_quotas.current == before
        assert await change(broker, both, {"consumer_byte_rate": None}) == (0, None)
        await apply_config_change(broker, path)
        assert QuotaEntity.of(both) not in broker.client_quotas.current
        assert "alice" not in await session.children("/config/users")


class Hosts(trio.abc.HostnameResolver):
    """Knows but one."""

    async def getaddrinfo(self, host: bytes | None, *_: Any, **__: Any) -> list[Any]:
        if host != b"known.example":
            raise socket.gaierror(host)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::2", 0, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.2", 0)),
        ]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> Any:
        raise NotImplementedError


async def test_a_host_is_limited_by_its_address_however_that_is_written(tmp_path: Path) -> None:
    trio.socket.set_custom_hostname_resolver(Hosts())
    async with open_broker(tmp_path) as broker:
        session = await broker.configs.session()
        for name, rate in ((None, 9), ("known.example", 5), ("2001%3ADB8%3A%3A1", 6), ("gone", 7)):
            path = f"ips/{name or '<default>'}"
            quota = {"connection_creation_rate": str(rate)}
            await change_config(session, path, lambda _, quota=quota: quota)
            await apply_config_change(broker, path)
        expected = {None: 9.0, "10.0.0.2": 5.0, "2001:db8::1": 6.0}
        assert broker.quotas.connections.limits == expected
        assert len(broker.client_quotas.current) == 4  # and that is what's told
        after_a_start = attrs.evolve(broker.client_quotas)
        broker.quotas.changed({})
        await after_a_start.read_all(session)
        assert broker.quotas.connections.limits == expected


async def test_described_as_filtered(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        for names in ({USER: "alice"}, {USER: "alice", CLIENT: "app"}, {IP: "10.0.0.1"}):
            key = "connection_creation_rate" if IP in names else "producer_byte_rate"
            await change(broker, dict(names), {key: 5.0})

        async def found(*components: tuple[str, int, str | None], strict: bool = False) -> set[str]:
            answer = await ask(broker, *components, strict=strict)
            assert (answer.error_code, answer.error_message) == (0, "")
            assert answer.entries is not None
            assert {value.value for entry in answer.entries for value in entry.values} <= {5.0}
            return {
                ",".join(f"{each.entity_type}={each.entity_name}" for each in entry.entity)
                for entry in answer.entries
            }

        everything = {"user=alice", "client-id=app,user=alice", "ip=10.0.0.1"}
        assert await found() == everything
        assert await found((USER, EXACT, "alice")) == everything - {"ip=10.0.0.1"}
        assert await found((USER, EXACT, "alice"), strict=True) == {"user=alice"}
        assert await found((IP, ANY, None)) == {"ip=10.0.0.1"}


ALICE, BOTH, OF_ALL = {USER: "alice"}, {USER: "alice", CLIENT: "app"}, {USER: None}


@pytest.mark.parametrize(
    ("names", "filtered", "strict", "expected"),
    [
        (ALICE, {}, False, True),
        (ALICE, {}, True, False),
        (ALICE, {USER: (EXACT, "alice")}, True, True),
        (ALICE, {USER: (EXACT, "bob")}, False, False),
        (ALICE, {USER: (DEFAULT, None)}, False, False),
        (ALICE, {USER: (ANY, None)}, False, True),
        (ALICE, {CLIENT: (ANY, None)}, False, False),
        (BOTH, {USER: (EXACT, "alice")}, False, True),
        (BOTH, {USER: (EXACT, "alice")}, True, False),
        (BOTH, {USER: (ANY, None), CLIENT: (EXACT, "app")}, True, True),
        (OF_ALL, {USER: (DEFAULT, None)}, True, True),
        (OF_ALL, {USER: (ANY, None)}, True, True),
        (OF_ALL, {USER: (EXACT, "alice")}, True, False),
    ],
)
def test_filters(
    names: Names, filtered: dict[str, tuple[int, str | None]], strict: bool, expected: bool
) -> None:
    components = {
        kind: describe.ComponentData(entity_type=kind, match_type=how, match=name)
        for kind, (how, name) in filtered.items()
    }
    assert matches(QuotaEntity.of(names), components, strict=strict) is expected


REFUSED_FILTERS = [
    ([(USER, ANY, None)] * 2, ErrorCode.INVALID_REQUEST, "Duplicate user filter component"),
    ([("", ANY, None)], ErrorCode.INVALID_REQUEST, "Unexpected empty filter component"),
    ([("x", ANY, None)], ErrorCode.UNSUPPORTED_VERSION, "Custom entity type 'x'"),
    ([(USER, 9, None)], ErrorCode.INVALID_REQUEST, "Unexpected match type: 9"),
    ([(USER, ANY, None), (IP, ANY, None)], ErrorCode.INVALID_REQUEST, "IP filter component"),
]


async def test_refused_filters(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        for components, code, message in REFUSED_FILTERS:
            answer = await ask(broker, *components)
            assert (answer.error_code, answer.entries) == (code, None), components
            assert message in (answer.error_message or "")


REFUSED: list[tuple[Names, str, float, str]] = [
    ({}, "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
    ({"x": "y"}, "producer_byte_rate", 1.0, "Unhandled client quota entity type: x"),
    ({USER: ""}, "producer_byte_rate", 1.0, "Empty user not supported"),
    ({USER: ".."}, "producer_byte_rate", 1.0, "has no place in ZooKeeper"),
    ({IP: "10.0.0.1", USER: "a"}, "x", 1.0, "Invalid quota entity combination"),
    ({IP: "no/where"}, "x", 1.0, "no%2Fwhere is not a valid IP or resolvable host."),
    ({USER: "a"}, "nonsense", 1.0, "Invalid configuration key nonsense"),
    ({IP: "10.0.0.1"}, "producer_byte_rate", 1.0, "Invalid configuration key producer_byte"),
    ({USER: "a"}, "producer_byte_rate", 1.5, "producer_byte_rate must be a LONG value"),
    ({USER: "a"}, "producer_byte_rate", float("inf"), "must be a LONG value"),
    ({USER: "a"}, "producer_byte_rate", float("nan"), "must be a LONG value"),
    # Kafka's rounding sees to it that there is nothing below zero
    ({IP: "10.0.0.1"}, "connection_creation_rate", -1.0, "must be a INT value"),
    ({IP: "10.0.0.1"}, "connection_creation_rate", 2.0**31, "must be a INT value"),
]


async def test_refusals(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        for names, key, value, message in REFUSED:
            code, said = await change(broker, names, {key: value})
            assert code == ErrorCode.INVALID_REQUEST, (names, key, value)
            assert message in (said or "")
        session = await broker.configs.session()
        assert await session.children(paths.CONFIG_CHANGES) == []


async def test_a_users_credentials_are_no_quotas_and_stay(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        session = await broker.configs.session()
        credential = {"SCRAM-SHA-256": "salt=,stored_key=,server_key=,iterations=4096"}
        await change_config(session, "users/alice", lambda _before: credential)
        await change(broker, {USER: "alice"}, {"producer_byte_rate": 5.0})
        assert await read_config(session, "users/alice") == {
            **credential,
            "producer_byte_rate": "5",
        }
        await broker.client_quotas.read_all(session)
        assert broker.client_quotas.current == {QuotaEntity.of(ALICE): {"producer_byte_rate": 5.0}}
        await change(broker, {USER: "alice"}, {"producer_byte_rate": None})
        assert await read_config(session, "users/alice") == credential


@pytest.mark.parametrize("data", [b"garbage", b'{"version":1,"config":{"request_percentage":"x"}}'])
async def test_what_somebody_wrote_by_hand_is_named_and_left_out(
    tmp_path: Path, data: bytes
) -> None:
    async with open_broker(tmp_path) as broker:
        session = await broker.configs.session()
        await session.create("/config/users/bad", data)
        await change(broker, {USER: "alice"}, {"producer_byte_rate": 5.0})
        await broker.client_quotas.read_all(session)
        await apply_config_change(broker, "users/bad")
        assert list(broker.client_quotas.current) == [QuotaEntity.of(ALICE)]
        assert isinstance(broker.events, EventLog)
        entities = [event.facts["entity"] for event in broker.events.recent]
        assert entities == ["users/bad", "users/bad"]


@pytest.mark.parametrize(
    "names",
    [
        {USER: "alice"},
        {USER: None},
        {USER: "CN=a, O=b/c*~+%"},
        {USER: "alice", CLIENT: None},
        {USER: None, CLIENT: "a/clients/b"},
        {CLIENT: "app"},
        {IP: "10.0.0.1"},
        {IP: None},
    ],
)
def test_a_path_tells_whose_it_is(names: Names) -> None:
    entity = QuotaEntity.of(names)
    assert entity_of(entity.config_path) == entity
    assert not set(entity.config_path) & set(" *~+=")


def test_paths_of_something_else() -> None:
    assert entity_of("topics/t") is None
    assert entity_of("users/alice/clients") is None
