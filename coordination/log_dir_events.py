"""A broker tells the controller that one of its log directories has failed.

It cannot say which replicas are gone with the directory, nor need it: the notification makes the
controller ask, by a LeaderAndIsr of all that the broker holds, and the answers say it
(coordination/controller/log_dirs.py).

Source: kafka.zk.KafkaZkClient.propagateLogDirEvent, KIP-112.
"""

from coordination.store import ConnectionLoss, Session
from coordination.znodes import encode_log_dir_event, paths

__all__ = ["notify_log_dir_failure"]


async def notify_log_dir_failure(session: Session, broker_id: int) -> None:
    """Make a notification. If only its reply was lost there may be two: they do no harm.

    Raises SessionLost; the next session has to tell it again.
    """
    while True:
        try:
            await session.create(
                paths.LOG_DIR_EVENT_PREFIX, encode_log_dir_event(broker_id), sequence=True
            )
        except ConnectionLoss:
            continue
        return
