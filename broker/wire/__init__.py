"""The wire: bytes on one side, values on the other, and no I/O in between.

Everything that Kafka's clients and brokers say to each other is a *message*: a frame with a header
and a body, whose layout is fixed by the API and its version.  This package knows all of them.

    frame bytes ── framing ──▶ header ── apis ──▶ which class ── codec ──▶ FooRequest(...)
    FooResponse(...) ── codec ──▶ chunks ── framing ──▶ [size + header, bytes, FileRegion, ...]

`messages/`   one file an API: what is in its request and response, field by field, as a table
`schema`      the words those tables are written in: `timeout_ms: int = wire(INT32, "0+")`
`codec`       turns a table into a reader and a writer, on first use, one for each version;
              `reader_source` and `writer_source` write their Python (`source` is a text under
              construction), `primitives` is what they call
`apis`        Kafka's API keys, and which versions of which API we speak
`framing`     the size in front, request and response headers
`versioned`   messages that lie in records, behind a version of their own
`record_batch`, `records`, `compression`   what is inside a records field
`message_set`   what came before batches: formats 0 and 1, for old clients; `format_conversion` goes
              between them, `lz4_of_format_0` is about a checksum
`control_records`   the one record of a control batch: how a transaction ended
`regions`     records that are sent straight from a file
`errors`      Kafka's error codes; `security_protocols`: the numbers of those

Invariants:
* Nothing read from a peer is believed beyond the bytes that are there: a length or a count is
  compared with what is left of the frame before anything is allocated for it.
* Whatever a peer sends, reading ends in a value, `MalformedMessage` or `UnsupportedVersion`.
* A handler sees one shape of a message, whatever the version; a field that a version lacks has its
  default.  Where the *meaning* changes with the version, the message's docstring says so.
* Records are never copied or decoded here: they are a view of the frame, or regions of a file.
"""
