"""The data plane of one broker: what happens to a record, and where.

A record's life, with the module that it meets at each step:

    client ──► network.listener  a connection's frames, one request after the other
                 │ .frames        bytes cut into frames
                 ▼ wire           bytes ─► ProduceRequest, checked against its table
               api.produce        which partition, which acks
                 ▼
               replica.append     do we lead the partition? is its ISR large enough?
                 ▼
               log                batch checked, sequence checked, offset stamped, written
                 ▼
               replica.partition  log end moves: followers that wait in a fetch are woken
                 │
    follower ◄── api.fetch, replica.fetch      the batch's bytes by sendfile
      │ replica.fetcher           appended as they are on the other broker
      └──► next fetch: "I have everything up to here"
                 ▼
               replica.high_watermark     the least of the ISR's log ends
                 ▼
    client ◄── the acks=all answer that waited for it; consumers may read it now

Beside a record's way lie two rooms that only remember: `groups` (who consumes what, how far) and
`transactions` (which records count together). Each keeps its memory in a topic of its own, by
the same `replica.append`, and reads it back when this broker comes to lead a partition of it.
What they share is in `coordinators`. `log.cleaner` keeps such topics short.

And how this broker learns what it leads: the controller (`coordination.controller`,
on one of the brokers) decides, `control.channel` carries it as LeaderAndIsr and
UpdateMetadata to each broker's listener, `replica.control` and
`control.metadata_cache` take it in. What administrators change comes by way of
`admin`; clients are held to what it says that they may use by `quotas`.
`run` has the order of start and stop.

Invariants:

- A record that was acknowledged with acks=all is in the log of every member of the
  ISR, and no one else is elected leader (but uncleanly, if a topic allows it).
- The event loop never waits for the disk: what may block (fsync, recovery, deleting,
  cold reads) runs in threads. It writes to the page cache, and renames a few files
  where a log must change at once.
- Everything that a leader does rechecks its leader epoch after each `await`.
- What changes the cluster's state leaves an event with its cause in `events`.
"""
