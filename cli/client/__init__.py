"""The admin's Kafka client: ask one question of the right broker, within a deadline.

`zbroker-admin` changes a cluster the way Kafka's own tools do: it sends
requests to brokers and never writes a topic's znode itself (KAFKA-14190: a
tool that did gave topics a new id). So it needs a Kafka client, but a small
one. It has no background tasks, no cached metadata that could be stale, and no
more than one request in flight on a connection:

    addresses    "host:port,host:port", as a user types it
    connection   one TCP connection to one broker: versions agreed on, a request, its answer
    cluster      which broker to ask: any, one by id, the controller, a group's coordinator;
                 asking again when the answer says "not me" or "not yet"
    topics, groups, configs, offsets, reassignments
                 what an operator asks about those
    topic_changes, ..    what an operator changes, and what came of it (`outcome`)
    errors       what can go wrong, in one line each
    http, http_page, server_sent    a broker's `http.listener`, asked
    changes      what was sent that changes something, for whoever interrupts a command

A command is then a few awaits in a row:

    async with open_cluster(parse_addresses("127.0.0.1:9092"), timeout_seconds=30) as cluster:
        controller = await cluster.controller()
        answer = await controller.call(CreateTopicsRequest(...), CreateTopicsResponse)

Nothing here knows zbroker: the same client talks to a real Kafka 3.9 (and newer).

Invariants:
- Every wait is under the one deadline that was given to `open_cluster`.
- A request that changes something is sent once. When its answer is lost the
  user is told that the outcome is unknown. Asked again are only questions, and
  changes that are the same done twice (offsets committed, records deleted).
"""

from cli.client.addresses import Address, parse_addresses
from cli.client.changes import Changes
from cli.client.cluster import Cluster, open_cluster
from cli.client.connection import Connection
from cli.client.errors import (
    BrokerUnreachable,
    ClientError,
    ConnectionLost,
    NoBrokerReachable,
    RequestFailed,
    TimedOut,
    VersionNotSupported,
)

__all__ = [
    "Address",
    "BrokerUnreachable",
    "Changes",
    "ClientError",
    "Cluster",
    "Connection",
    "ConnectionLost",
    "NoBrokerReachable",
    "RequestFailed",
    "TimedOut",
    "VersionNotSupported",
    "open_cluster",
    "parse_addresses",
]
