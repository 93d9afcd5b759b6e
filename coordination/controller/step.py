"""The controller as a function: an event in, effects out.

    controller = Controller(context)
    effects = controller.step(Elected())
    ... carry the effects out, in order; if the last one asks ZooKeeper:
    effects = controller.step(Answered(nodes))
    ... until the last effect asks nothing: then the next event.

No clock, no network, no ZooKeeper: the same events and answers give the same effects, which is
what the golden scenarios rely on.
"""

import attrs

from coordination.controller import (
    asked_elections,
    broker_changes,
    controlled_shutdown,
    deletion,
    failover,
    feature_updates,
    isr_changes,
    leader_balance,
    log_dirs,
    producer_ids,
    reassignment_requests,
    refused_metadata,
    refused_orders,
    topic_changes,
    unclean_elections,
)
from coordination.controller import events as ev
from coordination.controller import requests as rq
from coordination.controller.commands import (
    LeaderAndIsrCommand,
    StopReplicaCommand,
    UpdateMetadataCommand,
)
from coordination.controller.context import ControllerContext
from coordination.controller.effects import ASKS, Effect
from coordination.controller.story import Story

__all__ = ["Controller"]


@attrs.define
class Controller:
    """One term of one controller. It ends when step raises ControllerMoved, or is thrown away."""

    context: ControllerContext
    _story: Story[None] | None = None

    @property
    def is_idle(self) -> bool:
        """True between stories: the next event may be any, not just an answer."""
        return self._story is None

    def step(self, event: ev.Event) -> list[Effect]:
        """Tell the story on, to its end or to the next question (the last effect).

        Raises ControllerMoved if ZooKeeper knows a newer controller.
        """
        if isinstance(event, ev.Answered):
            assert self._story is not None, "an answer that nobody waits for"
            answer = event.answer
        else:
            assert self._story is None, f"{event} while a story waits for ZooKeeper"
            self._story = self._story_of(event)
            answer = None
        effects: list[Effect] = []
        while True:
            try:
                effect = self._story.send(answer)
            except StopIteration:
                self._story = None
                return effects
            effects.append(effect)
            if isinstance(effect, ASKS):
                return effects
            answer = None

    def _story_of(self, event: ev.Hint | rq.Request | ev.CommandAnswered) -> Story[None]:
        context = self.context
        match event:
            case ev.Elected():
                return failover.begin_term(context)
            case ev.WatchesLost():
                return failover.watches_lost(context)
            case ev.BrokersChanged():
                return broker_changes.brokers_changed(context)
            case ev.BrokerModified(broker_id):
                return broker_changes.broker_modified(context, broker_id)
            case ev.TopicsChanged():
                return topic_changes.topics_changed(context)
            case ev.TopicsModified(topics):
                return topic_changes.topics_modified(context, topics)
            case ev.TopicDeletionsChanged():
                return deletion.deletions_changed(context)
            case ev.IsrChangesNotified():
                return isr_changes.isr_changes_notified(context)
            case ev.LogDirEventsNotified():
                return log_dirs.log_dir_events_notified(context)
            case ev.ConfigsChanged():
                return unclean_elections.configs_changed(context)
            case ev.PreferredElectionChanged():
                return asked_elections.preferred_election_changed(context)
            case ev.LeaderBalanceDue():
                return leader_balance.balance_leaders(context)
            case ev.ReassignmentsChanged():
                return reassignment_requests.reassignments_changed(context)
            case rq.ControlledShutdown():
                return controlled_shutdown.controlled_shutdown(context, event)
            case rq.AlterPartition():
                return isr_changes.alter_partition(context, event)
            case rq.AllocateProducerIds():
                return producer_ids.allocate_producer_ids(context, event)
            case rq.ElectLeaders():
                return asked_elections.elect_leaders(context, event)
            case rq.UpdateFeatures():
                return feature_updates.update_features(context, event)
            case rq.AlterPartitionReassignments():
                return reassignment_requests.alter_reassignments(context, event)
            case rq.ListPartitionReassignments():
                return reassignment_requests.list_reassignments(context, event)
            case ev.CommandAnswered():
                return _command_answered(context, event)


def _command_answered(context: ControllerContext, answer: ev.CommandAnswered) -> Story[None]:
    command = answer.command
    if isinstance(command, LeaderAndIsrCommand | StopReplicaCommand):
        yield from refused_orders.record_refusal(context, answer, command)
    match command:
        case LeaderAndIsrCommand():
            yield from log_dirs.leader_and_isr_answered(context, answer)
        case StopReplicaCommand():
            yield from deletion.stop_replica_answered(context, answer)
        case UpdateMetadataCommand():
            yield from refused_metadata.update_metadata_answered(context, answer, command)
