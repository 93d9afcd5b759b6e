"""Which partition a group or a transactional id belongs to, as Java computes it."""

import pytest

from broker.coordinators.log import java_hash_code, partition_for


# From `"...".hashCode()` in Java.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        ("a", 97),
        ("hello", 99162322),
        ("Hello World", -862545276),
        ("\U0001f600", 1772899),
        ("polygenelubricants", -(1 << 31)),
    ],
)
def test_hash_code(text: str, value: int) -> None:
    assert java_hash_code(text) == value


def test_the_smallest_int_has_partition_0() -> None:
    assert partition_for("polygenelubricants", 50) == 0


def test_a_negative_hash_counts_by_its_absolute_value() -> None:
    assert partition_for("Hello World", 50) == 862545276 % 50
