from tests.fuzz.progress import Progress


def test_it_is_said_every_ten_seconds_and_with_the_rate() -> None:
    lines: list[str] = []
    now = 100.0
    progress = Progress("requests", 1000, lines.append, clock=lambda: now)
    now = 109.0
    progress.add(90)
    assert not lines
    now = 110.0
    progress.add(10)
    progress.add(10)
    assert lines == ["requests: 100 of 1000, 10 cases a second for 10 s"]
