"""Connections, in and out: bytes of a socket become frames, and frames become bytes again.

    size (i32)   a request or an answer of `size` bytes, as `broker.wire` reads and writes it
    ├──────────┤├────────────────────────────────────────────────────────────────────────────┤

    endpoints     the configured listeners, opened
    listener      one task a connection: frames in, answers out in order
    answers       what a handler gives back, and when it may be said
    connections   how many there may be, of one host and of all
    arrivals      how many may come a second
    patience      how long a client may be silent
    frames        a stream cut into frames
    transport     sockets, and regions of files sent over them
    peers         connections to other brokers, by address
    broker_link   the same by a broker's id, wherever it listens now

Invariants:

- The answers of one connection leave in the order of its requests.
- A frame is read only when the one before it has been taken in: what a client sends faster than it
  is served waits in the socket, not in memory.
- What is wrong with a connection ends that connection and no other.
"""
