"""What the coordinators of groups and of transactions share.

Both (`broker.groups`, `broker.transactions`) keep their memory in a compacted topic. Each thing
that they coordinate belongs to one partition of it, by its name; whoever leads that partition
coordinates the thing, and has loaded the partition before he answers for it.

    log.py          that topic, as a coordinator sees it: append, wait, read back; and whose
                    partition is which. `broker.replica.coordinator_log` implements it
    ownership.py    the partitions that this broker leads, and what belongs to them
    loading.py      reading such a partition back
    background.py   work that goes on when the client who began it is gone
    waiting.py      a request that waits for its one answer
"""
