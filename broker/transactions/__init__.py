"""Producer ids; the transactions of exactly-once producers will live here too.

An idempotent producer asks InitProducerId for a producer id and numbers its
batches, so that the log can drop what it has already (`broker.log.producer_state`).
Ids must never be given twice in the whole cluster: the controller hands out
blocks of a thousand, persisted in /latest_producer_id_block *before* the answer,
and each broker gives out ids from its block.
"""
