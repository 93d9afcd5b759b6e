"""Heartbeat: a member of a group is alive; the answer tells it to rejoin (REBALANCE_IN_PROGRESS).

Versions: 1 adds the throttle time, 3 `group_instance_id` (KIP-345), 4 is flexible.
"""

from broker.wire.schema import INT16, INT32, STRING, message, wire


@message(versions="0-4", flexible="4+")
class HeartbeatRequest:
    group_id: str = wire(STRING, "0+")
    generation_id: int = wire(INT32, "0+")
    member_id: str = wire(STRING, "0+")
    group_instance_id: str | None = wire(STRING, "3+", nullable="3+", default=None)


@message(versions="0-4", flexible="4+")
class HeartbeatResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    error_code: int = wire(INT16, "0+")
