"""A broker's files, read without the broker: what `log dump` shows and `log verify` checks.

    read_only      files opened for reading, and nothing else: no byte of them can change
    findings       what a check has found so far
    batch_pieces   a batch and its records in kafka-dump-log's words
    batches        the batches of a `.log` in order, up to where it makes no sense
    index_entries  the entries of the other files that belong to a segment
    decoders       keys and values of the broker's own topics in words, as kafka-dump-log has them
    dumping        what stands in a file, piece by piece: text, facts, and the byte where it begins
    segment        one segment beside its indexes, in one pass
    partition      a partition's directory: its segments, epochs, snapshots, metadata
    log_directory  a log directory: its partitions, and the checkpoints about them

Formats are known to `broker.log` and `broker.wire` alone; what is here walks over files that may be
broken anywhere. `broker.log` stops at what is broken, since it must not serve it; here it is named,
with its byte, and where the framing holds what follows is read all the same.

Invariants:

- Of a file of any size some megabytes at most are in memory.
- What is wrong in a file is a `Damage` that says where, never an exception.
"""
