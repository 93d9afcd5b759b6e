"""Compaction: of each key the latest record stays, and a log that is written for ever stays small.

    log start            first dirty offset        first uncleanable offset        log end
        ├── clean: cleaned before ──┼── dirty: since then ──┼── not yet: LSO, lag, active ──┤
                    │                         │
                    │           1. the map: key -> its latest offset in the dirty part
                    └─────────────────────────┤
                                2. every segment before the map's end is written anew, without
                                   the records whose key the map has at a later offset

    owner (event loop)                        child process (nice)
      choosing   which log is the filthiest
      LogCleaner ── a job, one line of JSON ──► child: reads segments, writes `.cleaned`, syncs
                 ◄── these segments are done ──
      LocalLog.replace   .cleaned -> .swap -> in place; the old become `.deleted`
                 ── go on ────────────────────►
                 ◄── the log is clean up to here ──
      cleaner-offset-checkpoint

    log_cleaner      the owner: which log when, by which worker, and what becomes of it
    choosing         the filthiest log
    offset_map       the map: 24 bytes a key in one packed array; and what it says of a batch
    records          where each record of a batch lies, and its key
    transactions     which batches were aborted, which markers have nothing left to mark
    batch_retention  what is kept of a batch: its bytes, some of its records, its header, nothing
    cleaning         one job from its first to its last byte, file by file
    job              what owner and child tell each other
    child, worker    the two ends of the pipe

What a reader of the compacted log may rely on, before and after (row 40 of tests/failures):

* The latest record of each key below the first dirty offset stays, at its offset. Order never
  changes; batches keep first and last offset, so that sequences and epochs can be told from them.
* A tombstone (a record without value) stays for delete.retention.ms from the moment that it was
  first cleaned: whoever read a value before can still see it deleted (KIP-534). The moment that
  ends is in the batch itself: bit 6 of its attributes makes the base timestamp its delete horizon.
* Records of aborted transactions go. A marker stays until every batch of its transaction is gone,
  and from then on for delete.retention.ms as well: a consumer that read some of the transaction
  must see its end (KAFKA-8351).
* The last batch of a producer that is still known stays, if only as a header: it has the sequence
  from which that producer goes on (KAFKA-5315). So does the last batch of what was cleaned.

Whatever ends a child, at any instant, loses nothing: it only ever writes `.cleaned` files, which
count for nothing until the owner renames them. A crash among the renames is finished or undone by
the loader. A log that is truncated below what is being cleaned, or deleted, or moved, ends its
cleaning; one whose records can't be read is uncleanable until the broker starts again, or
log.cleaner.* changes.

Source: Kafka's `LogCleaner`, `LogCleanerManager`, `Cleaner`, `CleanedTransactionMetadata`. What is
different: the work is done by a process, so that it takes no time from the event loop; a key is
told by two SipHashes instead of an MD5 (see `offset_map`), records that stay are copied as they
are."""
