"""All checks, in the order in which one explains the next, and what is to be done about each."""

from collections.abc import Callable

import attrs

from cli.doctor.checks import control_plane, history, logs, partitions
from cli.doctor.checks.looking import Look
from cli.doctor.facts import Facts

MOVE_CONTROLLER = "`controller move`: the next controller reads all znodes, and tells all brokers"


@attrs.frozen
class Check:
    """A row: its name, what it compares, the function that does, and what to do if it's broken.

    at_once: a finding counts though no other look has it.
    """

    name: str
    compares: str
    run: Callable[[Facts, Look], None]
    advice: str
    at_once: bool = False


CHECKS = (
    Check(
        "znodes",
        "each document with what Kafka can read",
        control_plane.znodes_can_be_read,
        "somebody else wrote there: see `zk get PATH`, and put it right while no broker runs",
    ),
    Check(
        "cluster-id",
        "/cluster/id with each broker's",
        control_plane.one_cluster,
        "are -b and --zookeeper of one ensemble? else that broker has another zookeeper.connect",
    ),
    Check(
        "brokers",
        "/brokers/ids with who answers",
        control_plane.brokers_answer,
        "see its log: is it paused, cut off, or at another address? if it hangs, start it again",
    ),
    Check(
        "controller",
        "/controller with each broker's metadata",
        control_plane.one_controller,
        MOVE_CONTROLLER,
    ),
    Check(
        "controller-epoch",
        "/controller_epoch with partition states",
        control_plane.controller_epochs,
        "somebody set it back: stop all brokers, and set it to the largest that a state has",
    ),
    Check(
        "ephemerals",
        "the owners of /controller and /brokers/ids",
        control_plane.ephemerals_of_one_session,
        "see `zk sessions`: stop the broker, delete the znode if it stays, start the broker",
    ),
    Check(
        "isr",
        "partition states with assignments",
        partitions.states_fit_assignments,
        "somebody else wrote there, or a broker has a defect: see its state by `zk get`; "
        "`controller move` has it read anew, an election or a reassignment written anew",
    ),
    Check(
        "leaders",
        "partition states with /brokers/ids",
        partitions.leaders_are_alive,
        MOVE_CONTROLLER,
    ),
    Check(
        "internal-topics",
        "their partitions, each with a leader",
        partitions.internal_topics_have_leaders,
        "start the brokers of its ISR; groups or transactions wait for them",
    ),
    Check(
        "caches",
        "the znodes with each broker's metadata",
        partitions.caches_equal_znodes,
        f"{MOVE_CONTROLLER}; or start the broker again that is alone with its view",
    ),
    Check(
        "topic-ids",
        "the znodes with each broker's metadata",
        partitions.topic_ids_agree,
        "somebody else wrote the topic's znode (KAFKA-14190): write the brokers' id back into it",
    ),
    Check(
        "leader-epochs",
        "partition states with the replicas",
        logs.leader_epochs_grow,
        "`partition elect` makes a new epoch for all replicas; see `trace events` for who led when",
    ),
    Check(
        "high-watermark",
        "the leader's with the ISR's log ends",
        logs.high_watermarks_within_logs,
        "it lost committed records: stop it, let it copy the partition anew from the leader",
    ),
    Check(
        "records",
        "the last committed ones of all replicas",
        logs.committed_records_are_equal,
        "find who is right (`log dump` on each disk); stop the other, move its partition's "
        "directory away, start it: it copies the leader's",
    ),
    Check(
        "transactions",
        "open ones with their coordinators",
        logs.no_hanging_transactions,
        "`txn abort PARTITION --start-offset OFFSET` ends it",
    ),
    Check(
        "history",
        "each look with the one before",
        history.nothing_goes_back,
        "committed records are lost, or a znode was overwritten: was there an unclean election? "
        "see `trace events --kind partition`; producers have to send again what is missing",
        at_once=True,
    ),
)
