"""Figures that tests measure, printed at the end of the run, whether the test passed or not.

    def test_something(figure):
        figure("longest gap", seconds, reference=5.8)

They travel as the test report's properties, so they're seen under pytest-xdist too.
"""

from collections.abc import Callable

import pytest

Figure = Callable[..., None]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Note a figure in seconds, and the real Kafka's beside it if it's known."""

    def note(what: str, seconds: float, reference: float | None = None) -> None:
        beside = "" if reference is None else f"   (Kafka 3.9.1: {reference:.2f} s)"
        record_property("figure", f"{what}: {seconds:.2f} s{beside}")

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {text}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, text in report.user_properties
        if name == "figure"
    ]
    if lines:
        terminalreporter.section("figures")
        for line in sorted(lines):
            terminalreporter.write_line(line)
