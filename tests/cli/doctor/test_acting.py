"""Who says of himself that he is the controller, over HTTP."""

import pytest

from broker.monitoring.http import Page, Request
from cli.doctor.acting import GAUGE, read_acting
from tests.cli.client.test_server_sent import serving

METRICS = f"""# HELP {GAUGE} 1 on the broker that is the controller.
# TYPE {GAUGE} gauge
{GAUGE} %s
kafka_controller_kafkacontroller_activebrokercount 3
"""


@pytest.mark.parametrize(("value", "acts"), [("1", True), ("0", False)])
async def test_it_says_so(value: str, acts: bool) -> None:
    async def answer_to(request: Request) -> Page:
        assert request.path == "/metrics"
        return Page((METRICS % value).encode())

    async with serving(answer_to) as address:
        assert await read_acting([address]) == ({str(address): acts}, ())


@pytest.mark.parametrize("page", [b"up 1\n", (METRICS % "many").encode()])
async def test_it_says_something_else(page: bytes) -> None:
    async def answer_to(_request: Request) -> Page:
        return Page(page)

    async with serving(answer_to) as address:
        assert await read_acting([address]) == ({}, (f"http://{address}/metrics has no {GAUGE}",))


async def test_it_does_not_answer() -> None:
    async def answer_to(_request: Request) -> Page:
        return Page(b"", status=503)

    async with serving(answer_to) as address:
        assert await read_acting([address]) == ({}, (f"http://{address}/metrics answers 503",))


async def test_nobody_is_asked() -> None:
    acting, (why_not,) = await read_acting([])
    assert acting == {}
    assert "--http" in why_not
