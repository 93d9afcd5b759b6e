"""Who is the controller: whoever's session made /controller.

    /controller         ephemeral; its deletion (or its owner's end) opens the next election
    /controller_epoch   how many controllers there were; never deleted

A candidate makes the first and counts up the second in **one multi**, conditional on the second's
version. So an epoch belongs to exactly one controller, and every later write of that controller can
carry a check of /controller_epoch's version, `Elected.epoch_version`: once another one is elected,
the old one's writes fail, however late they arrive (KAFKA-6082). `Fenced` is what they turn into.

If the reply to the multi is lost, we may be controller without knowing, and nobody would act as one
(KAFKA-13407): so read /controller back, and its owner says whether it was us.

Source: kafka.controller.KafkaController.elect, kafka.zk.KafkaZkClient.
{registerControllerAndIncrementControllerEpoch,deleteController}.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import attrs
import trio

from coordination import znodes
from coordination.store import (
    BadVersion,
    Check,
    ConnectionLoss,
    Create,
    Delete,
    MultiFailed,
    NodeExists,
    NoNode,
    Session,
    Set,
    Stat,
)
from coordination.subscriptions import until_change
from coordination.values import Recorder
from coordination.znodes import paths

RESIGN_TIMEOUT_S = 2.0
"""How long a controller that is told to stop tries to delete /controller; then its session's end
must do."""

BAD_EPOCH_PAUSE_S = 5.0
"""Until we look again whether somebody has repaired a garbage /controller_epoch."""


class Fenced(Exception):
    """Another controller was elected: /controller_epoch is no longer what it was for us."""


@attrs.frozen
class Elected:
    """`epoch_version` is /controller_epoch's znode version, to be checked by every write."""

    epoch: int
    epoch_version: int


async def current_controller(session: Session) -> int | None:
    """The controller's broker id; None if there is none."""
    try:
        return znodes.decode_controller(await session.get(paths.CONTROLLER)).broker_id
    except NoNode:
        return None


async def elect(session: Session, broker_id: int, clock_ms: Callable[[], int]) -> Elected | None:
    """Try to become controller. None if another broker is. Raises SessionLost, BadZnode."""
    while True:
        epoch, epoch_version = await _controller_epoch(session)
        controller = znodes.Controller(broker_id, clock_ms())
        try:
            _, stat = await session.multi(
                [
                    Create(paths.CONTROLLER, znodes.encode_controller(controller), ephemeral=True),
                    Set(
                        paths.CONTROLLER_EPOCH,
                        znodes.encode_controller_epoch(epoch + 1),
                        epoch_version,
                    ),
                ]
            )
        except ConnectionLoss:
            pass  # perhaps elected: see below
        except MultiFailed as failed:
            if not isinstance(failed.error, NodeExists | BadVersion):
                raise
        else:
            assert isinstance(stat, Stat)
            return Elected(epoch + 1, stat.version)

        node = await session.exists(paths.CONTROLLER)
        if node is None:
            continue
        if node.ephemeral_owner != session.session_id:
            return None
        # While our /controller stands nobody else can count the epoch up: it is ours
        return Elected(*await _controller_epoch(session))


async def resign(session: Session, elected: Elected) -> None:
    """Delete /controller, unless it is another controller's by now."""
    while True:
        try:
            await session.multi(
                [
                    Check(paths.CONTROLLER_EPOCH, elected.epoch_version),
                    Delete(paths.CONTROLLER),
                ]
            )
        except ConnectionLoss:
            continue  # a second deletion finds nothing, or fails the check
        except MultiFailed as failed:
            if not isinstance(failed.error, BadVersion | NoNode):
                raise
        return


async def stand_for_controller(
    session: Session,
    broker_id: int,
    serve: Callable[[Elected, str], Awaitable[None]],
    *,
    recorder: Recorder,
    clock_ms: Callable[[], int],
    cause: str | None = None,
) -> None:
    """Run `serve(elected, cause)` whenever this broker is elected, for as long as it is.

    Never returns by itself. `serve` is cancelled when /controller is deleted or another's, and may
    raise Fenced; both mean "resigned", and the next election follows. If this task is cancelled
    while controller, /controller is deleted so that the others need not wait.
    """
    while True:
        with session.subscribe() as events:
            # The watch first: from here on we hear of every change
            stat = await session.exists(paths.CONTROLLER, watch=True)
            if stat is not None and stat.ephemeral_owner != session.session_id:
                await until_change(events, paths.CONTROLLER)
                continue
        try:
            elected = await elect(session, broker_id, clock_ms)
        except znodes.BadZnode as error:
            cause = recorder("controller.election_failed", cause=cause, why=str(error))
            await trio.sleep(BAD_EPOCH_PAUSE_S)
            continue
        if elected is not None:
            cause = await _serve(session, broker_id, elected, serve, recorder, cause)


async def _serve(
    session: Session,
    broker_id: int,
    elected: Elected,
    serve: Callable[[Elected, str], Awaitable[None]],
    recorder: Recorder,
    cause: str | None,
) -> str:
    """Be controller until something ends it; return the event that says so."""
    started = recorder(
        "controller.elected", cause=cause, broker_id=broker_id, controller_epoch=elected.epoch
    )
    reason = "stopped"  # by who cancels us, unless it turns out otherwise
    served = False
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_deposed, session, nursery.cancel_scope)
            await serve(elected, started)
            served = True
            nursery.cancel_scope.cancel()
        reason = "ended" if served else "deposed"
    except* Fenced:
        reason = "fenced"
    finally:
        if session.lost:
            reason = "session lost"
        else:
            with trio.move_on_after(RESIGN_TIMEOUT_S, shield=True):
                await resign(session, elected)
        ended = recorder(
            "controller.resigned",
            cause=started,
            broker_id=broker_id,
            controller_epoch=elected.epoch,
            reason=reason,
        )
    return ended


async def _until_deposed(session: Session, serving: trio.CancelScope) -> None:
    """Cancel `serving` when /controller is not this session's any more."""
    with session.subscribe() as events:
        while True:
            stat = await session.exists(paths.CONTROLLER, watch=True)
            if stat is None or stat.ephemeral_owner != session.session_id:
                break
            await until_change(events, paths.CONTROLLER)
    serving.cancel()


async def _controller_epoch(session: Session) -> tuple[int, int]:
    """The epoch and its znode's version; the first candidate ever makes it, with epoch 0."""
    while True:
        try:
            node = await session.get(paths.CONTROLLER_EPOCH)
            return znodes.decode_controller_epoch(node), node.stat.version
        except NoNode:
            pass
        with suppress(NodeExists, ConnectionLoss):
            await session.create(paths.CONTROLLER_EPOCH, znodes.encode_controller_epoch(0))
