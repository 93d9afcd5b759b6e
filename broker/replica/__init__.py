"""The replicas on this broker: leading some partitions, following others.

A record is replicated by the followers' asking. They fetch as consumers do, and the offset that
they ask for says what they have; from that alone the leader knows who is in sync and how far the
partition is committed.

    LeaderAndIsr, StopReplica ──► control ──► partition    its role, from `roles`: data, not a task
                                      │
                  leading             │             following
    Produce ──► append ──► log        └──► fetchers ──► fetcher   one task a source broker
    Fetch   ──► fetch  ◄── log                             │  Fetch to the leader
                  │                                        ▼
                  │ what followers asked for        truncation, then append to the log
                  ▼
                follower_progress ──► high_watermark ──► broker.waiting: acks=all, long polls
                  │
                  └──► isr ──► isr_changes ──► AlterPartition to the controller

    manager      finds replicas by name                 refusals   why a batch is out of order
    orders       what the controller orders, as values      new_replicas   their logs
    preparation  what takes long to open or to compress, by a thread, before the append
    down_conversion   old record formats, for old clients
    timestamp_search  a record by its time, for ListOffsets: by a thread
    traffic      how much came in and went out, by topic
    verification transactions' coordinators, asked before anything enters a transaction
    high_watermark_checkpoints   how far all are committed, over a restart

Thousands of partitions are fetched with one request, again and again, and in most of them nothing
happens. Both sides keep a fetch session, so that only the others cost anything:

    the leader    fetch_sessions   ids, epochs, who yields      interests  what must be looked at
                  looking          into one partition           interest   what one was told
                  partition_read   asked of one, and found
    the follower  session_client   what the fetcher must say    copying    one partition's log
                  leader_link      its connection               throttle   not too much

    read_replica     sends a consumer to the replica in its rack
    log_dir_moves    replicas on their way to another log directory; move: one of them

Invariants:

- Only LeaderAndIsr with a larger leader epoch changes a role; whoever awaited looks again.
- What is below the high watermark is on every member of the ISR. Only such a member is elected
  (unless uncleanly), so no later leader lacks it.
- A follower's log is a prefix of its leader's, or it is cut to one before it grows (KIP-101, 595).
- What a fetch session leaves out is as it was told.
- An ISR is in force once the controller has persisted it; until the answer the larger of the old
  and the proposed one counts (KIP-497).

Kafka: ReplicaManager, kafka.cluster.Partition, AbstractFetcherThread.
"""
