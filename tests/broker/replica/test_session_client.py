"""What a follower's next fetch says, after every kind of answer."""

from uuid import UUID

import pytest

from broker.replica.session_client import Key, SessionClient
from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import FetchPartition

A, B, C = ((UUID(int=n), 0) for n in (1, 2, 3))


def asked(offset: int) -> FetchPartition:
    return FetchPartition(partition=0, fetch_offset=offset)


def opened(*keys: Key, session_id: int = 7) -> SessionClient:
    """A client whose session has been opened for these, from offset 0."""
    client = SessionClient()
    for key in keys:
        client.want(key, asked(0))
    request = client.request()
    assert (request.session_id, request.epoch, set(request.named)) == (0, 0, set(keys))
    assert client.answered(request, ErrorCode.NONE, session_id, keys)
    return client


def test_an_idle_session_says_nothing() -> None:
    client = opened(A, B)
    for epoch in (1, 2, 3):
        client.want(A, asked(0))  # nothing new
        request = client.request()
        assert (request.session_id, request.epoch) == (7, epoch)
        assert (request.named, request.forgotten) == ({}, ())
        assert client.answered(request, ErrorCode.NONE, 7, [])


def test_only_what_has_changed_is_named() -> None:
    client = opened(A, B)
    client.want(A, asked(5))
    client.want(C, asked(1))
    client.leave(B)
    request = client.request()
    assert request.named == {A: asked(5), C: asked(1)}
    assert request.forgotten == (B,)
    assert client.answered(request, ErrorCode.NONE, 7, [C])
    assert client.request().named == {}


def test_what_is_left_and_taken_up_again_is_named_not_forgotten() -> None:
    client = opened(A, B)
    client.leave(A)
    client.want(A, asked(0))
    request = client.request()
    assert (request.named, request.forgotten) == ({A: asked(0)}, ())


def test_what_is_left_before_it_was_told_is_not_named() -> None:
    client = opened(A)
    client.want(B, asked(0))
    client.leave(B)
    assert client.request().named == {}


@pytest.mark.parametrize(
    ("error", "session_id", "keys", "usable", "then"),
    [
        (ErrorCode.NONE, 7, [A], True, (7, 2)),
        (ErrorCode.NONE, 0, [], True, (0, 0)),
        (ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0, [], False, (0, 0)),
        (ErrorCode.INVALID_FETCH_SESSION_EPOCH, 0, [], False, (7, 0)),
        (ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR, 0, [], False, (7, 0)),
        (ErrorCode.UNKNOWN_SERVER_ERROR, 0, [], False, (7, 0)),
        (ErrorCode.NONE, 7, [C], False, (7, 0)),  # nobody asked for that
    ],
)
def test_after_an_incremental_answer(
    error: ErrorCode, session_id: int, keys: list[Key], usable: bool, then: tuple[int, int]
) -> None:
    client = opened(A, B)
    assert client.answered(client.request(), error, session_id, keys) is usable
    request = client.request()
    assert (request.session_id, request.epoch) == then
    assert set(request.named) == ({A, B} if request.is_full else set())


@pytest.mark.parametrize(
    ("session_id", "keys", "usable", "then"),
    [
        (9, [A, B], True, (9, 1)),
        (0, [A, B], True, (0, 0)),  # it has no room for a session
        (9, [A], False, (0, 0)),  # incomplete
        (9, [A, B, C], False, (0, 0)),
    ],
)
def test_after_a_full_answer(
    session_id: int, keys: list[Key], usable: bool, then: tuple[int, int]
) -> None:
    client = SessionClient()
    client.want(A, asked(0))
    client.want(B, asked(0))
    assert client.answered(client.request(), ErrorCode.NONE, session_id, keys) is usable
    request = client.request()
    assert (request.session_id, request.epoch) == then


def test_without_an_answer_the_session_is_ended_and_a_new_one_begun() -> None:
    client = opened(A, B)
    client.want(A, asked(3))
    client.request()
    client.failed()
    client.want(B, asked(4))
    request = client.request()
    assert (request.session_id, request.epoch) == (7, 0)
    assert request.named == {A: asked(3), B: asked(4)}


def test_what_is_left_while_the_answer_is_on_its_way_may_still_be_in_it() -> None:
    client = opened(A, B)
    request = client.request()
    client.leave(B)
    assert client.answered(request, ErrorCode.NONE, 7, [A, B])
    assert client.request().forgotten == (B,)


def test_the_epoch_begins_anew_at_1() -> None:
    client = opened(A)
    client.epoch = 0x7FFFFFFF
    assert client.answered(client.request(), ErrorCode.NONE, 7, [])
    assert client.request().epoch == 1
