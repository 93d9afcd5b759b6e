"""A broker's life as a candidate: be controller whenever elected, for as long as it lasts.

`stand_for_controller` (coordination/election.py) is the loop: stand, be elected or wait until
/controller changes, serve, resign, stand again. What it serves is `run_controller`. One call lives
in one session; a lost session ends both, and the broker begins a new one in its next session.
"""

from collections.abc import Callable

from coordination.controller.channel import OpenControlChannel
from coordination.controller.context import ControllerSettings
from coordination.controller.runner import ControllerSeat, run_controller
from coordination.election import Elected, stand_for_controller
from coordination.store import Session
from coordination.values import Recorder

__all__ = ["run_controller_lifecycle"]


async def run_controller_lifecycle(
    session: Session,
    broker_id: int,
    seat: ControllerSeat,
    open_channel: OpenControlChannel,
    *,
    recorder: Recorder,
    clock_ms: Callable[[], int],
    settings: ControllerSettings | None = None,
    cause: str | None = None,
) -> None:
    """Stand for controller in this session. Never returns by itself; raises SessionLost."""

    async def serve(elected: Elected, elected_event: str) -> None:
        await run_controller(
            session,
            broker_id,
            elected,
            seat,
            open_channel,
            recorder=recorder,
            cause=elected_event,
            settings=settings,
        )

    await stand_for_controller(
        session, broker_id, serve, recorder=recorder, clock_ms=clock_ms, cause=cause
    )
