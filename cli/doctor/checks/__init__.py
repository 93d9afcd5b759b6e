"""The checks: each a pure function of the facts, and a row of the table.

    looking          what a check says of what it looks at; what all of them ask the facts
    control_plane    who belongs to the ensemble, and who controls it
    partitions       states, assignments, and what brokers were told of them
    logs             what the replicas' logs have
    history          what the look before saw, and can't have become less
    table            CHECKS: all of them, each with what is to be done

Sources: KIP-101 and KIP-279 (epochs), KIP-380 (broker epochs), KIP-516 (topic ids), KIP-664
(hanging transactions), kafka.controller.KafkaController, kafka.cluster.Partition.

Invariants:

- A check never fails: whatever anybody may have written into ZooKeeper is a finding at most.
- Of a topic that is being deleted nothing is promised, so nothing of it is broken.
"""
