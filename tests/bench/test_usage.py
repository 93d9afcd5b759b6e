import os

from tests.bench.usage import cpu_ticks, grown, status_numbers, usage_of

# proc(5): user 250, system 50, and 30 + 7 of children that have ended.
STAT = "4711 (a) name (b) S 1 4711 4711 0 -1 4194304 1 2 3 4 250 50 30 7 20 0 12 0 99 1000 200 0"
STATUS = """\
Name:\tjava
Umask:\t0022
VmRSS:\t  901234 kB
Cpus_allowed:\t3
voluntary_ctxt_switches:\t150
nonvoluntary_ctxt_switches:\t9
"""


def test_cpu_counts_children_that_have_ended_and_survives_any_name() -> None:
    assert cpu_ticks(STAT) == 337


def test_a_status_is_read_as_numbers() -> None:
    assert status_numbers(STATUS) == {
        "Umask": 22,
        "VmRSS": 901234,
        "Cpus_allowed": 3,
        "voluntary_ctxt_switches": 150,
        "nonvoluntary_ctxt_switches": 9,
    }


def test_threads_that_came_count_from_zero_and_those_that_went_are_forgotten() -> None:
    assert grown({1: 100, 2: 50}, {1: 130, 3: 7}) == 37


def test_this_process_can_be_read() -> None:
    usage = usage_of([os.getpid()])
    assert usage.cpu_s > 0
    assert usage.rss_mb > 1
    assert os.getpid() in usage.voluntary
    assert usage.voluntary.keys() == usage.involuntary.keys()


def test_a_process_that_is_gone_has_used_nothing() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    usage = usage_of([pid])
    assert (usage.cpu_s, usage.rss_mb, usage.voluntary) == (0.0, 0.0, {})
