"""Every kind of event that the trace may hold, and the facts it comes with.

A fact is left out where it does not apply. Ids of brokers, sessions and controllers are numbers;
a partition is `topic-0`; an ISR and other lists of brokers are arrays of ids. tests/broker/
test_event_kinds.py holds the code to this table, both ways.
"""

from collections.abc import Mapping
from typing import Final

# A partition's state in ZooKeeper, as the controller tells of it.
_STATE: Final = ("partition", "leader", "isr", "leader_epoch", "partition_epoch")

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    # --- this broker, and its session with ZooKeeper
    "broker.starting": ("listeners", "log_dirs"),
    "broker.registered": ("broker_id", "broker_epoch", "endpoints"),
    # an older session of ours still holds /brokers/ids/N: waiting until it is gone
    "broker.registration_waits": ("broker_id", "path", "owner_session_id"),
    "broker.stopped": (),
    "session.connecting": ("hosts", "reason"),
    "session.connected": ("session_id", "timeout_ms"),
    "session.refused": ("reason", "retry_s"),
    "session.suspended": ("session_id", "reason"),
    "session.reconnected": ("session_id",),
    # everything ephemeral of ours is gone
    "session.lost": ("session_id",),
    # what somebody wrote by hand and nobody can read
    "znode.unreadable": ("path", "why"),
    "config.change_unreadable": ("path", "why"),
    # --- dynamic configs: what of an entity's config counts anew (names), or is not used
    # without_effect: of the names, those that are accepted and stored, and change nothing here
    "config.applied": ("entity", "names", "without_effect"),
    "config.ignored": ("entity", "why"),
    # --- the controller's office
    "controller.elected": ("broker_id", "controller_epoch"),
    "controller.election_failed": ("why",),
    "controller.resigned": ("broker_id", "controller_epoch", "reason"),
    "controller.failover_began": ("broker_id", "controller_epoch"),
    "controller.ready": ("brokers", "topics", "partitions"),
    # --- what the controller saw
    "broker.joined": ("broker_id", "broker_epoch", "endpoints"),
    "broker.modified": ("broker_id", "endpoints"),
    # bounced: it was already back, in a new life
    "broker.left": ("broker_id", "broker_epoch", "bounced", "controlled_shutdown"),
    "broker.shutting_down": ("broker_id", "broker_epoch"),
    "isr.change_asked": ("broker_id", "partitions"),
    "isr.change_notified": ("partitions",),
    # by a broker; then which of its replicas are gone, by its answer to LeaderAndIsr
    "log_dir.failed": ("brokers",),
    "replicas.offline": ("broker_id", "partitions"),
    "replicas.online": ("broker_id", "partitions"),
    "partition.elections_asked": ("election", "partitions", "asked_by"),
    # for each broker, how many that it should lead are led by others
    "leaders.imbalanced": ("partitions",),
    "unclean_election.allowed": ("topics",),
    # by: "api" or the znode; the partitions and their new replicas, None to cancel
    "reassignment.asked": ("by", "targets"),
    "topic.deletion_asked": ("topic",),
    "topic.vanished": ("topic",),
    # --- what the controller decided
    "topic.created": ("topic", "topic_id", "assignment"),
    "topic.id_given": ("topic", "topic_id"),
    "topic.partitions_added": ("topic", "assignment"),
    "topic.partitions_refused": ("topic", "partitions"),
    "topic.deletion_refused": ("topic", "why"),
    "topic.deletion_started": ("topic",),
    "topic.deletion_halted": ("topic", "why"),
    "topic.deleted": ("topic",),
    # told: the brokers that were sent the news
    "partition.leader_elected": (*_STATE, "election", "previous_leader", "told"),
    "partition.election_failed": ("partition", "why"),
    "partition.election_refused": ("partition", "error", "why"),
    # by the controller (removed, told), or asked for by the leader (before, why)
    "partition.isr_changed": (*_STATE, "removed", "told", "before", "why"),
    "features.updated": ("features",),
    # the same leader and ISR under a new epoch, so that brokers take what else is new
    "partition.leader_epoch_renewed": (*_STATE, "told"),
    "partition.leader_epoch_kept": ("partition", "why"),
    "partition.reassignment_began": ("partition", "replicas", "adding", "removing"),
    "partition.reassignment_refused": ("partition", "why"),
    "partition.reassigned": ("partition", "replicas"),
    "producer_ids.allocated": ("broker_id", "first_id"),
    # by a broker that is told how the cluster looks; then it is told all of it
    "metadata.refused": ("broker_id", "error_code"),
    "metadata.sent_whole": ("broker_id", "partitions"),
    # a LeaderAndIsr or a StopReplica, all of it
    "order.refused": ("broker_id", "order", "error_code", "partitions"),
    # --- what this broker was told, and did
    "control.leader_and_isr": ("controller", "controller_epoch", "partitions"),
    "control.stop_replica": ("controller", "controller_epoch", "partitions"),
    "control.refused": ("request", "controller", "controller_epoch", "error"),
    "partition.role": (
        "partition",
        "role",
        "leader",
        "leader_epoch",
        "log_end_offset",
        "high_watermark",
    ),
    "partition.stopped": ("partition", "deleted"),
    # the log found here is of another topic of that name; it is kept in `directory`
    "partition.set_aside": ("partition", "topic_id", "ordered_topic_id", "directory"),
    # an alert: acknowledged records may be gone, and no replica can tell (KIP-966)
    "partition.loss_possible": ("partition", "leader_epoch", "log_end_offset", "why"),
    # compaction: of the log up to end_offset the latest record of each key is left; keys: how many
    # it found from first_dirty_offset on. why: it makes no sense, and is left as it is
    "log.cleaned": (
        "partition",
        "first_dirty_offset",
        "end_offset",
        "keys",
        "size_before_bytes",
        "size_after_bytes",
        "took_s",
    ),
    "log.uncleanable": ("partition", "why"),
    # a whole log directory can't be used any more; its partitions are not served
    "log_directory.failed": ("directory", "why", "partitions"),
    # a replica on its way to another log directory of this broker: given up, or arrived
    "partition.move_began": ("partition", "source", "destination"),
    "partition.move_ended": ("partition", "destination", "why"),
    "partition.moved": ("partition", "source", "destination", "log_end_offset"),
    "partition.truncated": ("partition", "before", "log_end_offset", "why"),
    # --- consumer groups that this broker coordinates
    "group.loaded": (
        "partition",
        "leader_epoch",
        "groups",
        "offsets",
        "unknown_records",
        "took_ms",
    ),
    "group.load_failed": ("partition", "error"),
    "group.unloaded": ("partition", "leader_epoch", "groups"),
    "group.member_joined": ("group", "member", "instance", "host"),
    "group.member_returned": ("group", "member", "instance", "replaced"),
    "group.member_left": ("group", "member", "reason"),
    "group.rebalance": ("group", "generation", "reason"),
    "group.generation": ("group", "generation", "state", "protocol", "leader", "members"),
    "group.stable": ("group", "generation"),
    "group.offsets_removed": ("group", "partitions"),
    "group.removed": ("group",),
    "group.write_failed": ("group", "error"),
    # --- transactions that this broker coordinates: who is producer, and what is unusual. How they
    # begin and end isn't told, as little as what is produced: only what nobody had asked for
    # prepared: the transactional ids whose transactions are ended now, as was decided before
    "transaction.loaded": (
        "partition",
        "leader_epoch",
        "transactional_ids",
        "prepared",
        "unknown_records",
        "took_ms",
    ),
    "transaction.load_failed": ("partition", "error"),
    "transaction.unloaded": ("partition", "leader_epoch", "transactional_ids"),
    "transaction.initialized": ("transactional_id", "producer_id", "producer_epoch"),
    # aborted over the producer's head
    "transaction.fenced": ("transactional_id", "producer_id", "producer_epoch", "reason"),
    # one that was fenced, or found prepared, has all its markers
    "transaction.ended": ("transactional_id", "state"),
    # no answer from a broker that leads partitions of transactions that are being ended
    "transaction.markers_delayed": ("broker_id", "transactions", "why"),
    # one that is being ended need not wait for a partition: it was deleted
    "transaction.partition_gone": ("transactional_id", "partition", "why"),
    # a partition knows a newer coordinator, or producer
    "transaction.markers_refused": ("transactional_id", "partition", "error"),
    "transaction.expired": ("partition", "transactional_ids"),
}
