from tests.bench.paced import waited_ms


def test_a_record_waits_from_when_it_was_due_and_belongs_to_that_time() -> None:
    due_and_came = [(1.0, 1.25), (2.0, 4.0), (3.0, 3.5)]
    assert waited_ms(due_and_came) == [250.0, 2000.0, 500.0]
    assert waited_ms(due_and_came, since_s=2.0) == [2000.0, 500.0]
    assert waited_ms(due_and_came, since_s=2.0, until_s=2.5) == [2000.0]
