"""Kafka's murmur2, with the values of Kafka's own tests (UtilsTest.testMurmur2)."""

import pytest

from cli.client.partitioning import murmur2, partition_of

KAFKAS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", KAFKAS)
def test_the_hash_is_kafkas(key: bytes) -> None:
    assert murmur2(key) == KAFKAS[key] & 0xFFFFFFFF


def test_a_key_has_one_partition() -> None:
    assert partition_of(b"21", 7) == (-973932308 & 0x7FFFFFFF) % 7
