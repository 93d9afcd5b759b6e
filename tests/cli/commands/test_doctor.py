"""`zbroker-admin doctor`: what it says of golden facts, and how it ends."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cli.commands import doctor
from cli.commands.zookeeper import ZooKeeper
from cli.doctor import verdict
from cli.doctor.facts import Facts
from coordination.memory_store import MemoryStore
from coordination.store import Session
from tests.cli.commands.canned import Canned
from tests.cli.doctor.golden import HEALTHY, replica, state

ZOOKEEPER = ("--zookeeper", "nowhere:2181/kafka")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[[Facts], None]:
    """`told(facts)`: that's what it will see."""
    seen: list[Facts] = [HEALTHY]

    async def gather(ensemble: Any, say: Callable[[str], None]) -> Facts:
        assert ensemble.chroot == "/kafka"
        say("reading the znodes")  # and on no terminal it isn't said
        return seen[-1]

    @asynccontextmanager
    async def session(_zookeeper: ZooKeeper) -> AsyncIterator[Session]:
        yield await MemoryStore().open_session()

    monkeypatch.setattr(doctor, "gather", gather)
    monkeypatch.setattr(ZooKeeper, "session", session)
    monkeypatch.setattr(verdict, "BETWEEN_LOOKS_SECONDS", 0.01)
    return seen.append


@pytest.mark.usefixtures("told")
def test_sound(canned: Canned) -> None:
    result = canned.admin("doctor", *ZOOKEEPER)
    assert (result.exit_code, result.stderr) == (0, "")
    header, *lines, summary = result.stdout.splitlines()
    assert header.split() == list(doctor.COLUMNS)
    assert summary == f"sound: {len(verdict.CHECKS)} checks, 2 looks"
    assert [line.split()[1] for line in lines] == ["ok"] * len(verdict.CHECKS)
    assert canned.admin("doctor", *ZOOKEEPER, "-o", "name").stdout == ""
    wide = canned.admin("doctor", *ZOOKEEPER, "-o", "wide").stdout.splitlines()
    assert "records: not looked at: records before the sample" in wide
    facts = canned.facts("doctor", *ZOOKEEPER)
    assert (facts["looks"], facts["broken"]) == (2, 0)
    assert [each["name"] for each in facts["checks"]] == [each.name for each in verdict.CHECKS]


def test_broken(canned: Canned, told: Callable[[Facts], None]) -> None:
    told(replica(log_end_offset=99)(state(isr=(1, 4, 2))(HEALTHY)))
    result = canned.admin("doctor", *ZOOKEEPER)
    assert result.exit_code == 4
    assert result.stderr == "Error: broken: isr, high-watermark\n"
    said = result.stdout.splitlines()[1 + len(verdict.CHECKS) :]
    assert said[0] == "isr: orders-0: ISR 1,4,2 is not within the replicas 1,2,3"
    assert said[1].startswith("  what to do: ")
    assert said[2] == (
        "high-watermark: orders-0: broker 2 is in the ISR, and its log ends before the high "
        "watermark (log_end_offset 99, high_watermark 100)"
    )
    names = canned.admin("doctor", *ZOOKEEPER, "-o", "name").stdout
    assert names.split() == ["isr", "high-watermark"]
    facts = canned.facts("doctor", *ZOOKEEPER, exit_code=4)
    assert (facts["looks"], facts["broken"]) == (verdict.LOOKS, 2)
    broken = {each["name"]: each for each in facts["checks"] if each["result"] == "broken"}
    (finding,) = broken["high-watermark"]["findings"]
    assert finding["subject"] == "orders-0"
    assert finding["values"] == {"log_end_offset": 99, "high_watermark": 100}
    assert broken["isr"]["advice"]


@pytest.mark.usefixtures("told")
def test_for_longer(canned: Canned) -> None:
    assert canned.facts("doctor", *ZOOKEEPER, "--for", "0.1")["looks"] > 2


@pytest.mark.usefixtures("clock")
def test_until_it_is_sound(canned: Canned, told: Callable[[Facts], None]) -> None:
    arguments = ("doctor", *ZOOKEEPER, "--until", "broken == 0", "--timeout", "9", "-o", "json")
    assert canned.admin(*arguments).exit_code == 0
    told(state(isr=(1, 4))(HEALTHY))
    result = canned.admin(*arguments)
    assert result.exit_code == 5
    assert "broken == 0: it is 1" in result.stderr
