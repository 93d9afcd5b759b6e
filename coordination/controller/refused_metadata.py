"""A broker refuses what it is told of the cluster.

An UpdateMetadata names only the partitions that have changed, and is not repeated. A broker that
refuses one, by a defect or for want of something, takes the next ones, and its clients are told of
a part of a topic's partitions, or of a leader that is none, until each of them changes again. So it
is sent the whole state:

    refused                         the whole state, at once
    refused too                     nothing, until the broker has taken another command
    taken                           over; what comes next is what has changed, as ever

A broker that refuses everything is sent the whole state once, then, and no more often than it takes
something else: there is no clock here, and no loop. If it says that the command is stale it gets
nothing: in its next life it's told everything as it joins, and so it is by the next controller.

Different from Kafka, whose controller logs the error and goes on
(KafkaController.processUpdateMetadataResponseReceived).
"""

from typing import Final

from coordination.controller.batch import whole_metadata
from coordination.controller.commands import CommandAnswered, UpdateMetadataCommand
from coordination.controller.context import ControllerContext
from coordination.controller.effects import Send
from coordination.controller.story import Story, headline, record

__all__ = ["update_metadata_answered"]

# The wire's numbers for "another controller is newer" and "that was for another life of mine".
STALE_CONTROLLER_EPOCH: Final = 11
STALE_BROKER_EPOCH: Final = 77


def update_metadata_answered(
    context: ControllerContext, answer: CommandAnswered, command: UpdateMetadataCommand
) -> Story[None]:
    """Answers come in the order of the commands; one from an earlier life says nothing."""
    broker_id, error = answer.broker_id, answer.error_code
    broker = context.brokers.get(broker_id)
    if broker is None or broker.epoch != command.broker_epoch:
        return
    if error:
        yield from headline("metadata.refused", broker_id=broker_id, error_code=error)
    if error in (STALE_CONTROLLER_EPOCH, STALE_BROKER_EPOCH):
        return
    is_behind = broker_id in context.behind_with_metadata
    sent_whole = context.behind_with_metadata.get(broker_id)
    if command is sent_whole and error:
        context.behind_with_metadata[broker_id] = None
    elif command is sent_whole:
        del context.behind_with_metadata[broker_id]
    elif sent_whole is None and (is_behind if not error else not is_behind):
        yield from _send_whole(context, broker_id, command)


def _send_whole(
    context: ControllerContext, broker_id: int, answered: UpdateMetadataCommand
) -> Story[None]:
    """What is deleted by now isn't in our state any more, only in what was refused."""
    whole = whole_metadata(context, broker_id, answered)
    context.behind_with_metadata[broker_id] = whole
    yield from record("metadata.sent_whole", broker_id=broker_id, partitions=len(whole.partitions))
    yield Send(broker_id, whole)
