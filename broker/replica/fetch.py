"""Fetches of consumers and followers, and waiting for what isn't there yet.

A fetch from a follower is also news of it: it has everything before the offset
it asks for. That may move the high watermark and make it eligible for the ISR.

If fewer than `min_bytes` are there the fetch waits up to `max_wait` for an
append (a follower) or a high watermark (a consumer), then looks again at what
has moved. `broker.replica.interests` knows what must be looked at, and
`broker.replica.looking` what a look into a partition finds.

Kafka: ReplicaManager.fetchMessages, DelayedFetch.
"""

import trio

from broker.replica.interests import Interests, Reads
from broker.replica.looking import FetchParameters, divergence, find, follower_of, read_one
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.wire.errors import KafkaError


def note_progress(
    replicas: ReplicaManager, parameters: FetchParameters, interests: Interests
) -> list[Partition]:
    """Take a follower's fetch offsets as news of it; returns the partitions it made progress in.

    A follower whose log parts from ours before its fetch offset has made none.
    Errors are not answered here: the look that follows meets the same.
    """
    now_s = trio.current_time()
    noted = []
    for interest in interests.due.items:
        try:
            partition = find(replicas, parameters, interest)
            progress = follower_of(partition, parameters, interest.asked)
            if divergence(partition, interest.asked) is None:
                partition.log.check_in_range(interest.asked.fetch_offset)
                noted.append((interest, partition, progress))
        except KafkaError:
            interest.lost_contact(interests.contact)
    advanced = []
    for interest, partition, progress in noted:
        if partition.follower_fetched(
            parameters.replica_id,
            interest.asked.fetch_offset,
            interest.asked.log_start_offset,
            now_s,
            parameters.replica_epoch,
        ):
            interest.in_contact(progress, interests.contact)
            advanced.append(partition)
    interests.contact.last_fetch_s = now_s
    return advanced


async def fetch(
    replicas: ReplicaManager, parameters: FetchParameters, interests: Interests
) -> Reads:
    """Read every partition that is due, waiting for `min_bytes` in all if they aren't there yet."""
    reads: Reads = {}
    enough = look(replicas, parameters, interests, reads)
    if enough or parameters.max_wait_s <= 0 or not interests.all:
        return reads
    answered = False
    try:
        with trio.move_on_after(parameters.max_wait_s):
            while not enough:
                interests.watch(reads)
                await interests.due.rung()
                enough = look(replicas, parameters, interests, reads)
        if not enough:
            look(replicas, parameters, interests, reads)
        answered = True
    finally:
        if not answered:
            interests.not_told(reads)
    return reads


def look(
    replicas: ReplicaManager, parameters: FetchParameters, interests: Interests, reads: Reads
) -> bool:
    """Read what is due and there now, `max_bytes` in all, into `reads`; whether it's enough.

    The first partition that has anything gives at least one whole batch, be it
    larger than both limits: a consumer could never get past it otherwise (KIP-74).
    """
    room = parameters.max_bytes
    min_one = True
    size_bytes = 0
    must_answer_now = False
    for interest in interests.due.items:
        max_bytes = min(interest.asked.max_bytes, room)
        read = read_one(replicas, parameters, interest, max_bytes, min_one)
        if read.size_bytes:
            min_one = False
            size_bytes += read.size_bytes
        room = max(0, room - read.size_bytes)
        must_answer_now = must_answer_now or read.must_answer_now
        reads[interest] = read
    return must_answer_now or size_bytes >= parameters.min_bytes


def note_sent(replicas: ReplicaManager, parameters: FetchParameters, reads: Reads) -> None:
    """These are sent: a follower's count against the throttle as well, in sync or not."""
    for interest, read in reads.items():
        if read.partition is None:
            continue
        traffic = read.partition.traffic
        traffic.fetch_requests += 1
        if not read.size_bytes:
            continue
        if not parameters.from_follower:
            traffic.bytes_out += read.size_bytes
            continue
        traffic.replication_bytes_out += read.size_bytes
        if parameters.replica_id in read.partition.adding:
            traffic.reassignment_bytes_out += read.size_bytes
        if find(replicas, parameters, interest).is_throttled_as_leader:
            replicas.throttle.record(read.size_bytes)
