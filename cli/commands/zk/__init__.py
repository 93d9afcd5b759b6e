"""`zbroker-admin zk`: what the ensemble keeps in ZooKeeper, and what the servers say of themselves.

    tree, ls, get     znodes, in words
    watch             a znode, each time that it changes
    sessions, watches who is connected and owns what; who waits for what     } four letter words:
    stat              the servers                                            } of each server
    shell             any of these, line by line

It only reads: topics are changed through brokers (KAFKA-14190).

    reading    znodes and their owners; servers: their answers put together
"""

from cli.commands.lazy import noun

zk = noun(
    "zk",
    __name__,
    ("tree", "ls", "get", "watch", "sessions", "watches", "stat", "shell"),
    "Look at the ensemble's znodes, sessions and watches.",
)
