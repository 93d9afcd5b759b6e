"""Consumer groups: who consumes what, and how far they have come.

Consumers with the same group id share the partitions of their topics. One broker, the group's
*coordinator*, keeps the list of members, has them agree anew whenever one comes or goes (a
*rebalance*), and stores the offsets they commit. It does not decide who gets which partition: one
of the members does, the group's leader, in a language only the clients speak.

A rebalance, seen from the members (KIP-62):

    member A             coordinator             member B
       │ JoinGroup ──────────▶│◀────────── JoinGroup │     each names what it can do
       │◀─ you lead: A and B ─│─ you follow: A ─────▶│     a new generation
       │ SyncGroup: A→0, B→1 ▶│◀────────── SyncGroup │     the leader's assignment is stored
       │◀───────────────── 0 ─│─ 1 ─────────────────▶│     the group is Stable
       │ Heartbeat ──────────▶│◀────────── Heartbeat │     until one of them hears: rebalance

Which broker: a group's name picks a partition of the topic `__consumer_offsets`, and that
partition's leader is the coordinator. All that it must not lose is a record there, so the next
leader can load it.

From the bottom up:

`group_states`, `member`, `committed_offsets`, `subscription`, `group`   pure: what a group is
`offset_records`, `replay`       pure: a group as records, and records as groups
`offsets_log`, `storing`         what we need of the log, and how its errors are put to clients
`config`, `deadlines`            the properties that count, and time
`directory`                      which groups are ours
`rebalancing`                    how a group moves through its states
`joining`, `static_return`, `syncing`, `leaving`, `offsets`, `transactional_offsets`, `retention`,
`loading`, `inspection`
                                 one story each: what a request, an election or time brings about
`coordinator`                    all of it together
`old_offsets`                    offsets in ZooKeeper, where they were before there was one

What is needed by transactions as well (tasks in the background, requests that wait, the topic that
is a memory) is in `broker.coordinators`.

Invariants:
* A group changes only between awaits, from one consistent state to another. Whoever awaited looks
  again at state and generation (or at `still_owns`) before acting.
* A decision and its record happen in the same step, so the log has a group's records in the order
  of the decisions. Nothing is shown to a client before its record is replicated.
* Every JoinGroup and SyncGroup that waits is answered exactly once.
* Only the members of the current generation sync and commit.

Differences from Kafka: no purgatory and no locks, since nothing runs in between; a JoinGroup or
SyncGroup that a newer one of the same member replaces is answered REBALANCE_IN_PROGRESS instead of
never; a partition that cannot be read is not served.

Source: Kafka 3.9's `kafka.coordinator.group`, the coordinator of ZooKeeper mode.
"""
