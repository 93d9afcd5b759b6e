"""Elections that are asked for and allowed, by Kafka's controller and ours: the same znodes.

As test_against_kafka: the brokers of the story are only registrations, so every leader, ISR, epoch
and znode version is the controller's own doing.
"""

import pytest

from coordination.configs import change_config
from coordination.topics import create_topic
from coordination.values import TopicPartition
from coordination.znodes import (
    encode_preferred_replica_election,
    encode_reassignment,
    paths,
)
from tests.coordination.controller.test_against_kafka import (
    LONELY_ID,
    ORDERS_ID,
    Side,
    both,
    our_controller,
    roots,
    same_tree,
    side,
    state,
)

__all__ = ["roots"]

pytestmark = [pytest.mark.server, pytest.mark.matrix]

ORDERS_1 = TopicPartition("orders", 1)
UNCLEAN = {"unclean.leader.election.enable": "true"}


async def test_the_same_elections_leave_the_same_znodes(roots: tuple[str, str]) -> None:
    async with side(roots[0]) as theirs, side(roots[1]) as ours, our_controller(ours):
        await tell([theirs, ours])


async def tell(sides: list[Side]) -> None:
    for broker_id in (11, 12):
        await both(sides, lambda s, b=broker_id: s.start_broker(b))
    orders = {0: [11, 12], 1: [12, 11]}
    await both(sides, lambda s: create_topic(s.admin, "orders", orders, {}, topic_id=ORDERS_ID))
    risky = {0: [11, 12]}
    await both(sides, lambda s: create_topic(s.admin, "risky", risky, {}, topic_id=LONELY_ID))
    await same_tree(sides, state("orders", 1), {"leader": 12, "leader_epoch": 0})
    await same_tree(sides, state("risky", 0), {"leader": 11})

    # Another order of the same replicas: 12 goes on leading, and 11 is preferred now.
    swapped = encode_reassignment({ORDERS_1: (11, 12)})
    await both(sides, lambda s: s.admin.create(paths.REASSIGN_PARTITIONS, swapped))
    await same_tree(sides, paths.topic("orders"), {"partitions": {"0": [11, 12], "1": [11, 12]}})
    await same_tree(sides, state("orders", 1), {"leader": 12, "isr": [12, 11]})

    # It becomes the leader when it is asked for, beside what is unknown or needs nothing.
    asked = encode_preferred_replica_election(
        [ORDERS_1, TopicPartition("orders", 0), TopicPartition("nothing", 0)]
    )
    await both(sides, lambda s: s.admin.create(paths.PREFERRED_REPLICA_ELECTION, asked))
    await same_tree(sides, state("orders", 1), {"leader": 11, "isr": [12, 11]})
    for each in sides:
        await gone(each, paths.PREFERRED_REPLICA_ELECTION)

    # 12 leaves all ISRs, then 11 dies in them alone, and 12 may not lead when it is back.
    await both(sides, lambda s: s.stop_broker(12))
    await same_tree(sides, state("orders", 0), {"leader": 11, "isr": [11]})
    await both(sides, lambda s: s.stop_broker(11))
    await same_tree(sides, state("risky", 0), {"leader": -1, "isr": [11]})
    await same_tree(sides, state("orders", 1), {"leader": -1, "isr": [11]})
    await both(sides, lambda s: s.start_broker(12))
    await same_tree(sides, state("risky", 0), {"leader": -1})

    # A topic prefers a leader to its data; then all do.
    await both(sides, lambda s: change_config(s.admin, "topics/risky", lambda _: UNCLEAN))
    uncleanly = {"leader": 12, "isr": [12], "leader_recovery_state": 1}
    await same_tree(sides, state("risky", 0), uncleanly)
    await same_tree(sides, state("orders", 0), {"leader": -1})
    await both(sides, lambda s: change_config(s.admin, "brokers/<default>", lambda _: UNCLEAN))
    await same_tree(sides, state("orders", 0), uncleanly)
    await same_tree(sides, state("orders", 1), uncleanly)


async def gone(side: Side, path: str) -> None:
    """Wait until the controller has deleted it."""
    with side.admin.subscribe() as events:
        while await side.admin.exists(path, watch=True) is not None:
            await events.receive()
