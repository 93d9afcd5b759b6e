"""Golden scripts: a story told as commands, with what really happened written below each.

    # A comment, kept.
    broker-dies 1
    ---
    persist  set /brokers/topics/orders/partitions/0/state@0 {...}
    send     2 LeaderAndIsr ...

`controller/` plays on the pure controller (controller_world.py), `ensemble/` on whole brokers in
one process (tests/simulation/script.py).

A block is commands, a line of three dashes, and their output up to an empty line. The test runs
the commands and compares. When a change of output is meant, write it anew and read the diff:

    GOLDEN_UPDATE=1 .venv/bin/pytest tests/coordination/controller/test_golden.py
    GOLDEN_UPDATE=1 .venv/bin/pytest -m "not matrix" tests/simulation/test_golden.py
    git diff tests/golden
"""
