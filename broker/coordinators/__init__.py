"""What the coordinators of groups and of transactions share.

Both (`broker.groups`, `broker.transactions`) keep their memory in a compacted topic. Each thing
that they coordinate belongs to one partition of it, by its name; whoever leads that partition
coordinates the thing, and has loaded the partition before he answers for it.

    log              that topic, as a coordinator sees it: append, wait, read back; and whose
                     partition is which
    replicated_log   the same, kept by `broker.replica` like any other partition
    partition_counts how many partitions it has
    ownership        the partitions that this broker leads, and what belongs to them
    loading          reading such a partition back
    background       work that goes on when the client who began it is gone
    one_answer       a request that waits for its one answer
"""
