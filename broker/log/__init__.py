"""One partition's files: where records are, once a broker has acknowledged them.

A log is a sequence of batches, each with the next offsets, cut into segments; beside each segment
lie its indexes. The files are Kafka's to the byte: a stopped Kafka's directory can be served
by this code and the other way round.

    Produce                                                        Fetch, ListOffsets
      | one batch, as the client made it                             | an offset, a time
      v                                                              v
    appending  <------------ partition_log ------------>  reading, timestamps
      | validation           what a log is to others                 | segment by offset,
      |   header, CRC; record_validation                             | index, a few headers
      | conversion to the topic's codec; old_formats                 |
      | producer_state                                               v
      |   duplicate? producer_checks: in sequence?                 FileRegion -> sendfile
      | open_transactions, verifications
      |   what isn't decided yet, what may begin
      | stamps offset, leader epoch
      v
    parts: local_log, leader_epochs, producer_state and its snapshots, watermarks
      ^                                                     who may read how far
      |---- truncation    the end goes
      '---- retention     the beginning goes

    local_log -> segments -> segment      what is there as files; append, find, cut, roll
    segment -------> .log                 batches, nothing between them
        |----------> .index               offset    -> position      } index_file, an entry
        |----------> .timeindex           timestamp -> offset        } every 4 KiB
        '----------> .txnindex            aborted transactions         transaction_index
    leader_epochs -> leader-epoch-checkpoint    where logs of replicas part
    producer_snapshots -> .snapshot             so that a start reads little
    producer_history                            so that a truncation reads nothing
    producer_entry                              what is remembered of one producer
    partition_metadata -> partition.metadata    the topic id

    loader         opens a directory: leftovers, what is half-done there; recovery, what may be
                   torn, segment by segment (segment_recovery); producer_recovery
    flushing       the recovery point, and what to sync for it
    segment_files  segments made, renamed to .deleted, given up later
    storage        a disk that failed stays failed, for all logs on it
    disk           every change of a file, so that a test can lose what was not synced
    file_names     what lies where in a log directory; checkpoints: its small text files
    log_file       the batches of a `.log`; values, log_config: what is asked, told and set

    cleaner/       compaction: of each key the latest record stays; by a process of its own
    log_manager    all logs of a broker: lock, load, close
    loading        the start; what every log is opened with is in log_opener
    making         a new log, in the right directory; removing: one goes, or is set aside
    upkeep         what happens to them by itself: sync, checkpoint, retention
    log_directories  which of log.dirs can be used, and where a new log goes
    log_directory  one of them: its lock, its clean mark, its checkpoints, its health
    future_logs    logs that will take another one's place; moved_from: that they have

Invariants:

* log start offset <= last stable offset <= high watermark <= log end offset.
* Batches lie in offset order, without overlap; offsets missing in between were compacted away.
* What `append` returned for is in the page cache: it survives the process. What lies before the
  recovery point was synced: it survives the machine. After an unclean end everything from the
  recovery point on is read again, and cut at the first batch that is not whole.
* A segment's index never points past its log file, and can always be rebuilt from it.
* An append that raises changed nothing. One on which the file system failed ends the use of its
  whole log directory, until the next start recovers it.
* A file being sent stays readable, whatever the log does to its name.

A log and its parts are synchronous. What awaits is what deals with many of them: `log_manager`,
`loading`, `upkeep`, `future_logs` and the owner's side of `cleaner`. A log belongs to one thread,
the event loop's; only recovery and closing run elsewhere, before and after its life.

Differences from Kafka: indexes are written, not mapped, and always as long as their entries (Kafka
maps 10 MB of holes and trims them at the end; each opens what the other left); `preallocate` is
accepted and has no effect; followers write an index entry a batch, not one an append, and begin a
segment where the last one ends, though the next batch lies beyond a gap.
"""
