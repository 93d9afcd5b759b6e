"""Transactions: records of many partitions, and offsets, of which readers see all or none.

A producer with a `transactional.id` has a *coordinator*: the broker that leads the id's partition
of `__transaction_state`. It knows who produces under the id (a producer id, and an epoch that grows
with every new producer, so that the older ones are fenced), and which partitions the open
transaction has written to. It decides how a transaction ends, by one record in its log, and then
tells every partition.

    producer                     coordinator                            partitions' leaders
    InitProducerId ────────────▶ Empty, epoch + 1; what was open is aborted
    AddPartitionsToTxn ────────▶ Ongoing: these partitions
    Produce ───────────────────────────────────────────────────────────▶ records; on the first:
                                 is it in the transaction? ◀──────────── "verify_only"
    AddOffsetsToTxn ───────────▶ Ongoing: the group's partition of __consumer_offsets
    TxnOffsetCommit ───────────────────────────────────────────────────▶ offsets, pending
    EndTxn ────────────────────▶ PrepareCommit, or PrepareAbort: decided
           ◀───── the answer ───
                                 WriteTxnMarkers ──────────────────────▶ a marker behind the records
                                 CompleteCommit, or CompleteAbort

What holds:

- Nothing is true before it is in the log and replicated; no answer is given and no marker sent for
  anything else. (A fenced producer is fenced a moment earlier.)
- What is prepared is ended, whoever has to do it: the next coordinator finds it in the log.
- One transition of a transactional id at a time; who comes between is told to come back.
- A partition loaded is an object; who has awaited compares it, and a former coordinator finds out.

Producer ids must never be given twice in the whole cluster: the controller hands out blocks of
a thousand, persisted in /latest_producer_id_block *before* the answer, and each broker gives out
ids from its block (`producer_ids`).

From the bottom up:

`transaction_states`, `transaction`, `decisions`   pure: what a transaction is, and may become
`transaction_records`            pure: a transaction as a record, and back
`transactions_log`, `storing`    where they lie; a transition is written, and then it is true
`markers`, `deliveries`          telling the partitions' leaders, over a connection to each
`homeless`                       what waits for a leader, as long as the partition was not deleted
`ending`, `expiry`, `loading`, `inspection`        one story each: what EndTxn, time, an election
                                 or a tool brings about
`verification`                   the other side: asking the coordinator before records are appended
`producer_ids`, `config`         ids from the controller's blocks; the properties that count
`owned`                          the partitions that this broker leads, and their ids
`coordinator`                    all of it together

Source: KIP-98, KIP-360 (epochs), KIP-588 (PRODUCER_FENCED), KIP-664 (tools), KIP-890
(verification); `kafka.coordinator.transaction`.
"""
