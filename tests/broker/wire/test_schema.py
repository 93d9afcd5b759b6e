"""The words of the tables: version ranges, defaults, what a class gets from its fields."""

from uuid import UUID

import pytest

from broker.wire.schema import (
    INT32,
    STRING,
    UUID_,
    Versions,
    array,
    fields_of,
    is_flexible,
    message,
    struct,
    versions_of,
    wire,
)


@struct
class Inner:
    number: int = wire(INT32, "0+", default=-1)


@message(versions="0-3", flexible="2+")
class Outer:
    name: str = wire(STRING, "0+")
    nick: str | None = wire(STRING, "1+", nullable="1-2")
    id: UUID = wire(UUID_, "0+", ignorable=True)
    inner: Inner = wire(Inner, "0+")
    inners: list[Inner] = wire(array(Inner), "0+")
    tagged: Inner | None = wire(Inner, "2+", tag=0)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [("3", [3], [2, 4]), ("3-5", [3, 5], [2, 6]), ("3+", [3, 99], [2, -1]), ("none", [], [0, 1])],
)
def test_version_ranges(text: str, inside: list[int], outside: list[int]) -> None:
    versions = Versions.parse(text)
    assert str(versions) == text
    assert all(version in versions for version in inside)
    assert not any(version in versions for version in outside)


def test_a_message_has_zeros_unless_told_otherwise() -> None:
    assert Outer() == Outer(
        name="", nick="", id=UUID(int=0), inner=Inner(number=-1), inners=[], tagged=None
    )


def test_messages_share_no_defaults() -> None:
    first, second = Outer(), Outer()
    first.inners.append(Inner())
    first.inner.number = 5
    assert second == Outer()


def test_a_misspelt_field_is_noticed() -> None:
    with pytest.raises(AttributeError):
        Outer().nmae = ""  # type: ignore[attr-defined]


def test_fields_can_be_asked_for() -> None:
    fields = {field.name: field for field in fields_of(Outer)}
    assert list(fields) == ["name", "nick", "id", "inner", "inners", "tagged"]
    assert fields["inners"].type.name == "[]Inner"
    assert (fields["tagged"].tag, fields["tagged"].optional) == (0, True)
    assert (fields["inner"].tag, fields["inner"].optional) == (None, False)
    assert str(fields["nick"].nullable) == "1-2"


def test_flexible_versions() -> None:
    assert str(versions_of(Outer).flexible) == "2+"
    assert [is_flexible(Outer, version) for version in range(4)] == [False, False, True, True]
    with pytest.raises(ValueError, match="Outer has versions 0-3, not 4"):
        is_flexible(Outer, 4)
