"""Prometheus' own word on what we write: metrics, alerts, and the dashboard's expressions."""

import json
import re
from pathlib import Path

import pytest

from broker.monitoring.text_format import text_of
from tests.broker.api.test_produce import produce
from tests.broker.monitoring.test_monitor import COMPOSE, monitor_of
from tests.broker.support import lead, open_broker
from tests.support.promtool import promtool

pytestmark = pytest.mark.long  # each starts a program of 48 MB

ALERTS = COMPOSE / "alerts.yml"


async def test_the_metrics_are_well_formed_and_well_named(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await produce(broker, 1, ("t-0", "a"))
        text = await text_of(monitor_of(broker).families())
    promtool("check", "metrics", stdin=text)


def test_prometheus_takes_its_configuration_and_the_alerts() -> None:
    said = promtool("check", "config", COMPOSE / "prometheus.yml")
    assert f"Checking {ALERTS}" in said


def test_the_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", Path(__file__).parent / "alerts_test.yml")


def test_the_dashboards_expressions_are_some(tmp_path: Path) -> None:
    panels = json.loads((COMPOSE / "dashboard.json").read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    # With what Grafana puts in place of its variables; a rule's expression is any expression.
    rules = [
        {"record": f"panel:{number}", "expr": re.sub(r"\$__rate_interval", "1m", expression)}
        for number, expression in enumerate(expressions)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    said = promtool("check", "rules", file)
    assert f"{len(expressions)} rules found" in said
