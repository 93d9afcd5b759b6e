"""The compose ensemble, for real: built, started, used, broken, ended.

    ensemble      the compose project under a name and on ports of its own
    test_compose  the tour of compose/README.md, under a load that never stops

It is slow (minutes, most of them Docker's) and needs an engine: see `tests.support.docker`.
"""
