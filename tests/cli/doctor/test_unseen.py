"""What couldn't be looked at is said, and isn't ok."""

import attrs

from cli.doctor.verdict import examine
from tests.cli.doctor.golden import HEALTHY, alive


def test_what_could_not_be_seen_is_not_ok() -> None:
    blind = attrs.evolve(HEALTHY, hanging=None, why_no_hanging="no coordinator", logs={})
    results = {each.check.name: each for each in examine(blind)}
    assert results["transactions"].result == "not looked at"
    assert results["transactions"].unseen == ("no coordinator",)
    assert results["records"].result == "not looked at"
    assert results["high-watermark"].result == "not looked at"


def test_a_silent_broker_is_named() -> None:
    silent = attrs.evolve(HEALTHY, silent={3: "connection refused"})
    named = {
        each.check.name for each in examine(silent) if "broker 3: connection refused" in each.unseen
    }
    assert named == {
        "cluster-id",
        "controller",
        "caches",
        "topic-ids",
        "leader-epochs",
        "high-watermark",
        "records",
    }


def test_replicas_of_a_dead_broker_are_not_looked_at() -> None:
    facts = alive(1, 2)(HEALTHY)
    named = {
        each.check.name
        for each in examine(facts)
        if "broker 3: it is not in /brokers/ids" in each.unseen
    }
    assert named == {"leader-epochs", "high-watermark", "records"}
