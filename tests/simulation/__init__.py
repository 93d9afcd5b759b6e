"""The ensemble in one process: real brokers in an unreal world, where every run can be repeated.

    ┌────────────────────────── one trio loop ──────────────────────────┐
    │  broker 1          broker 2          broker 3         Client      │  run_broker, unchanged
    │     │ Surroundings    │                 │                │        │
    │     ├─────────────────┴──── network ────┴────────────────┘        │  links: cut, slow, whole
    │     ├── zookeeper: the memory store, and who can reach it         │  sessions end by the clock
    │     ├── log.dirs: real files in a directory of the test           │  survive a crash
    │     └── clock, chance: the mock clock, a seeded Random            │
    │  Checker: looks at all of it, all the time                        │
    └───────────────────────────────────────────────────────────────────┘

`world.simulate(seed, story)` runs a story in it. What makes two runs with one seed the same run:

- **Time** is trio's MockClock with autojump: when every task waits, it jumps to the next deadline.
  Thirty seconds of replica lag cost nothing, and no test sleeps.
- **The scheduler** of trio shuffles the tasks that are ready. It is seeded, and sorts them first.
- **Threads** would let real time in: the clock would jump while one is busy, past every deadline.
  So `trio.to_thread.run_sync` does its work right away in the loop (see `world`), between two
  moments at which other tasks run, as many as a disk would let them.
- **Chance** (assignments, backoffs, what a disk takes) comes from Randoms made from the seed.

`test_stories` tells stories one by one, `test_random_story` leaves them to `chance`, and
`test_golden` plays those that are written down with all that came of them (tests/golden/ensemble).

The invariants, held by `checker` at every write to ZooKeeper, several times a second of the mock
clock, and at each story's end:

- what was acknowledged with acks=all is in the log, once, and stays what it was;
- what is below a replica's high watermark is the same on all replicas, byte for byte;
- leader epochs, controller epochs and a leader's high watermark (within its epoch) only grow;
- what a leader has committed is on every member of the ISR that ZooKeeper names;
- an ISR is part of the assignment and never empty, a leader is in its ISR;
- an epoch of the controller, and a leader epoch, belongs to one broker.
"""
