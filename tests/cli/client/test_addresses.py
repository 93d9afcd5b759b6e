import pytest

from cli.client.addresses import Address, parse_addresses


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("localhost:9093", [Address("localhost", 9093)]),
        ("localhost", [Address("localhost", 9092)]),
        ("a:1, b:2,", [Address("a", 1), Address("b", 2)]),
        ("[::1]:9092", [Address("::1", 9092)]),
        ("[fe80::2]", [Address("fe80::2", 9092)]),
    ],
)
def test_bootstrap_lists(text: str, addresses: list[Address]) -> None:
    assert list(parse_addresses(text)) == addresses
    assert parse_addresses(",".join(map(str, addresses))) == tuple(addresses)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "an address is missing"),
        (" , ", "an address is missing"),
        (":9092", "the host is missing"),
        ("a:x", "a port is a number"),
        ("a:0", "a port is a number"),
        ("a:65536", "a port is a number"),
        ("a:²", "a port is a number"),
        ("::1", "an IPv6 address is written"),
        ("[::1", "an IPv6 address is written"),
        ("[::1]9092", "an IPv6 address is written"),
    ],
)
def test_what_is_no_address(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_addresses(text)
