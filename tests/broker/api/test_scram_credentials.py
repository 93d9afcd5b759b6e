"""Credentials by request: who is given what, and that nothing else is told of them."""

import base64
import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_user_scram_credentials as alter
from broker.wire.messages import describe_user_scram_credentials as describe
from coordination.configs import change_config, read_config
from coordination.scram import MECHANISMS, ScramCredential, credential_of
from tests.broker.support import call, open_broker

SHA_256, SHA_512 = 1, 2
Upsertion, Deletion = alter.ScramCredentialUpsertion, alter.ScramCredentialDeletion


def be_controller(broker: Broker) -> None:
    broker.controller.active = cast(Any, SimpleNamespace(epoch=1))


def upsertion(
    name: str, mechanism: int = SHA_256, iterations: int = 4096
) -> alter.ScramCredentialUpsertion:
    salted = hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 4096)
    return alter.ScramCredentialUpsertion(
        name=name,
        mechanism=mechanism,
        iterations=iterations,
        salt=b"salt",
        salted_password=salted,
    )


def deletion(name: str, mechanism: int = SHA_256) -> alter.ScramCredentialDeletion:
    return alter.ScramCredentialDeletion(name=name, mechanism=mechanism)


async def change(
    broker: Broker,
    *,
    deletions: list[alter.ScramCredentialDeletion] | None = None,
    upsertions: list[alter.ScramCredentialUpsertion] | None = None,
) -> dict[str, tuple[int, str | None]]:
    request = alter.AlterUserScramCredentialsRequest(
        deletions=deletions or [], upsertions=upsertions or []
    )
    answer = await call(broker, request, 0)
    return {each.user: (each.error_code, each.error_message) for each in answer.results}


async def users(
    broker: Broker, *names: str
) -> dict[str, tuple[int, str | None, list[tuple[int, int]]]]:
    request = describe.DescribeUserScramCredentialsRequest(
        users=[describe.UserName(name=name) for name in names]
    )
    answer = await call(broker, request, 0)
    assert (answer.error_code, answer.error_message) == (0, "")
    return {
        each.user: (
            each.error_code,
            each.error_message,
            [(info.mechanism, info.iterations) for info in each.credential_infos],
        )
        for each in answer.results
    }


def test_the_keys_of_the_rfc() -> None:
    """RFC 7677's example: user "user", password "pencil", 4096 iterations."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", salt, 4096)
    credential = credential_of(MECHANISMS[SHA_256], salt, salted, 4096)
    assert str(credential) == (
        "salt=W22ZaJ0SNY7soEsUEjb6gQ==,"
        "stored_key=WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
        "server_key=wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=,iterations=4096"
    )
    assert ScramCredential.parse(str(credential)) == credential


async def test_given_described_and_taken_away(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        be_controller(broker)
        session = await broker.configs.session()
        both = [upsertion("alice"), upsertion("alice", SHA_512, 5000), upsertion("b/ob")]
        assert await change(broker, upsertions=both) == {"alice": (0, ""), "b/ob": (0, "")}
        stored = await read_config(session, "users/alice")
        assert stored.keys() == {"SCRAM-SHA-256", "SCRAM-SHA-512"}
        assert (await read_config(session, "users/b%2Fob")).keys() == {"SCRAM-SHA-256"}
        assert await users(broker) == {
            "alice": (0, "", [(SHA_256, 4096), (SHA_512, 5000)]),
            "b/ob": (0, "", [(SHA_256, 4096)]),
        }
        assert await change(broker, deletions=[deletion("alice")]) == {"alice": (0, "")}
        assert await users(broker, "alice") == {"alice": (0, "", [(SHA_512, 5000)])}
        assert await change(broker, deletions=[deletion("b/ob")]) == {"b/ob": (0, "")}
        assert await session.children("/config/users") == ["alice"]


async def test_quotas_stay(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        be_controller(broker)
        session = await broker.configs.session()
        quota = {"producer_byte_rate": "5"}
        await change_config(session, "users/alice", lambda _before: quota)
        assert await users(broker) == {}
        await change(broker, upsertions=[upsertion("alice")])
        await change(broker, deletions=[deletion("alice")])
        assert await read_config(session, "users/alice") == quota


MISSING = "Attempt to delete a user credential that does not exist"
TWICE = "A user credential cannot be altered twice in the same request"


REFUSED: list[tuple[Upsertion | Deletion, ErrorCode, str]] = [
    (upsertion(""), ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty"),
    (upsertion("a", 9), ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism"),
    (deletion("a", 9), ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism"),
    (upsertion("a", 1, 4095), ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too few iterations"),
    (upsertion("a", 1, 16385), ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too many iterations"),
    (deletion("a"), ErrorCode.RESOURCE_NOT_FOUND, MISSING),
]


async def test_refusals(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        be_controller(broker)
        for asked, code, message in REFUSED:
            others = [upsertion("good")]
            if isinstance(asked, Upsertion):
                answer = await change(broker, upsertions=[*others, asked])
            else:
                answer = await change(broker, deletions=[asked], upsertions=others)
            assert answer == {"good": (0, ""), asked.name: (code, message)}
        session = await broker.configs.session()
        assert await session.children("/config/users") == ["good"]


async def test_nobody_is_changed_twice_at_once(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        be_controller(broker)
        answer = await change(
            broker, deletions=[deletion("alice")], upsertions=[upsertion("alice")]
        )
        assert answer == {"alice": (ErrorCode.DUPLICATE_RESOURCE, TWICE)}


async def test_only_the_controller_changes_them(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        answer = await change(broker, upsertions=[upsertion("alice")])
        code = ErrorCode.NOT_CONTROLLER
        assert answer == {"alice": (code, code.message)}


async def test_users_that_are_asked_for(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        session = await broker.configs.session()
        by_hand = {"SCRAM-SHA-256": "nonsense"}
        await change_config(session, "users/hand", lambda _before: by_hand)
        found = await users(broker, "", "nobody", "twice", "twice", "hand")
        assert {name: each[0] for name, each in found.items()} == {
            "": ErrorCode.RESOURCE_NOT_FOUND,
            "nobody": ErrorCode.RESOURCE_NOT_FOUND,
            "twice": ErrorCode.DUPLICATE_RESOURCE,
            "hand": ErrorCode.UNKNOWN_SERVER_ERROR,
        }
        assert found["nobody"][1] == (
            "Attempt to describe a user credential that does not exist: nobody"
        )
