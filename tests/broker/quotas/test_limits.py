"""Which limit counts, and who shares it: the order of Kafka's ClientQuotaManager."""

import pytest

from broker.quotas.connection_rates import ConnectionRates
from broker.quotas.limits import Limits
from coordination.client_quotas import CLIENT_ID, IP, USER, QuotaEntity

RATE = "producer_byte_rate"
ORDER: list[tuple[dict[str, str | None], tuple[str, str]]] = [
    ({USER: "alice", CLIENT_ID: "app"}, ("alice", "app")),
    ({USER: "alice", CLIENT_ID: None}, ("alice", "app")),
    ({USER: "alice"}, ("alice", "")),
    ({USER: None, CLIENT_ID: "app"}, ("alice", "app")),
    ({USER: None, CLIENT_ID: None}, ("alice", "app")),
    ({USER: None}, ("alice", "")),
    ({CLIENT_ID: "app"}, ("", "app")),
    ({CLIENT_ID: None}, ("", "app")),
]


def limits(*entities: dict[str, str | None]) -> Limits:
    """Each has its place in `ORDER` as its limit."""
    at = {QuotaEntity.of(names): float(n) for n, (names, _) in enumerate(ORDER)}
    current = {QuotaEntity.of(each): {RATE: at[QuotaEntity.of(each)]} for each in entities}
    return Limits.of(RATE, current)


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_of_all_that_are_set_the_one_that_says_most(first: int) -> None:
    found = limits(*(names for names, _ in ORDER[first:])).of_client("alice", "app")
    assert found == (ORDER[first][1], float(first))


@pytest.mark.parametrize("only", range(len(ORDER)))
def test_what_is_set_for_others_counts_for_nobody_else(only: int) -> None:
    names, _ = ORDER[only]
    of_bob = limits(names).of_client("bob", "other")
    assert (of_bob is None) == ({"alice", "app"} & set(names.values()) != set())


def test_who_gives_no_client_id_has_only_the_limits_of_his_user() -> None:
    everything = limits(*(names for names, _ in ORDER))
    assert everything.of_client("alice", "") == (("alice", ""), 2.0)
    assert everything.of_client("bob", "") == (("bob", ""), 5.0)
    assert limits({CLIENT_ID: None}).of_client("bob", "") is None


def test_other_quotas_and_those_of_addresses_are_no_limits_here() -> None:
    current = {
        QuotaEntity.of({USER: "alice"}): {"request_percentage": 5.0},
        QuotaEntity.of({IP: None}): {"connection_creation_rate": 5.0},
    }
    assert not Limits.of(RATE, current)
    assert Limits.of("request_percentage", current)


def test_what_is_no_number_limits_nobody() -> None:
    assert not Limits.of(RATE, {QuotaEntity.of({USER: None}): {RATE: float("nan")}})


def test_an_address_has_its_own_limit_or_that_of_any() -> None:
    now_s = [0.0]
    rates = ConnectionRates(11, 1.0, lambda: now_s[0])
    assert rates.admit("10.0.0.1") == 0
    rates.changed(
        {
            QuotaEntity.of({IP: "10.0.0.1"}): {"connection_creation_rate": 1.0},
            QuotaEntity.of({IP: None}): {"connection_creation_rate": 0.5},
        }
    )
    assert [rates.admit("10.0.0.1") for _ in range(11)] == [0.0] * 10 + [1.0]
    assert [rates.admit("10.0.0.2") for _ in range(6)] == [0.0] * 5 + [1.0]
    assert rates.admit("10.0.0.1") == 1.0  # those refused weren't counted, but it is still full
    now_s[0] = 11.0
    assert rates.admit("10.0.0.1") == 0.0
    rates.changed({})
    assert [rates.admit("10.0.0.1") for _ in range(50)] == [0.0] * 50
