"""What a broker and the controller say to each other. (The controller: `coordination.controller`.)

    controller ─ channel ─▶ LeaderAndIsr, UpdateMetadata, StopReplica ─▶ each broker's listener
                            one queue a broker, in order             ─▶ `api`, `replica.control`,
                                                                        `metadata_cache`
    a broker ── client ──▶ AlterPartition, AllocateProducerIds, ..   ─▶ the controller's listener

    channel               the controller's orders on their way, one queue a live broker
    requests              what they look like on the wire
    metadata_cache        what UpdateMetadata said last; swapped whole
    client                what a broker asks of the controller
    controlled_shutdown   the last thing that it asks

Invariants:

- A broker gets the orders in the order of their decisions, the next one when it has answered the
  last; what isn't answered is repeated before anything else is sent.
- Orders of a controller that is one no more are refused by its epoch; those for an earlier life of
  this broker by the broker epoch.
"""
