"""What servers say, as ZooKeeper 3.9 words it, and the ways in which one says nothing."""

from functools import partial

import pytest
import trio

from coordination.four_letter_words import (
    Connection,
    WordRefused,
    ask,
    parse_connections,
    parse_ephemerals,
    parse_server,
    parse_watches,
    servers_of,
    watchers_of,
)

CONS = """\
 /127.0.0.1:50142[1](queued=0,recved=20,sent=21,sid=0x100003b7a4e0001,lop=PING,est=1795332305804,\
to=18000,lcxid=0x12,lzxid=0xffffffffffffffff,lresp=1795332306,llat=0,minlat=0,avglat=0,maxlat=3)
 /0:0:0:0:0:0:0:1:50150[0](queued=0,recved=1,sent=0)

"""
DUMP = """\
SessionTracker dump:
Session Sets (2)/(1):
0 expire at Mon Nov 23 03:00:00 UTC 2026:
1 expire at Mon Nov 23 03:00:18 UTC 2026:
	0x100003b7a4e0001
ephemeral nodes dump:
Sessions with Ephemerals (2):
0x100003b7a4e0001:
	/controller
	/brokers/ids/1
0x100003b7a4e0002:
	/brokers/ids/2
Connections dump:
Connections Sets (1)/(1):
0 expire at Mon Nov 23 03:00:00 UTC 2026:
1 expire at Mon Nov 23 03:00:18 UTC 2026:
	ip: /127.0.0.1:50142 sessionId: 0x100003b7a4e0001
"""
WCHP = """\
/controller
	0x100003b7a4e0001
	0x100003b7a4e0002
/admin/preferred_replica_election
	0x100003b7a4e0001

"""
SRVR = """\
Zookeeper version: 3.9.5-4a5bd0e1ee5c2d5b8b1f, built on 2025-01-01 10:00 UTC
Latency min/avg/max: 0/0.4651/17
Received: 91
Sent: 90
Connections: 2
Outstanding: 0
Zxid: 0x2f
Mode: standalone
Node count: 31
"""
FIRST, SECOND = 0x100003B7A4E0001, 0x100003B7A4E0002


def test_what_they_say() -> None:
    assert parse_connections(CONS) == [
        Connection("127.0.0.1:50142", FIRST, 18000, "PING"),
        Connection("0:0:0:0:0:0:0:1:50150", None, None, None),
    ]
    assert parse_ephemerals(DUMP) == {
        FIRST: ["/brokers/ids/1", "/controller"],
        SECOND: ["/brokers/ids/2"],
    }
    assert parse_watches(WCHP) == {
        "/controller": [FIRST, SECOND],
        "/admin/preferred_replica_election": [FIRST],
    }
    assert parse_server(SRVR)["Mode"] == "standalone"
    assert parse_server(SRVR)["Zxid"] == "0x2f"


def test_several_servers() -> None:
    assert servers_of("a:2182, b,[::1]:5") == [("a", 2182), ("b", 2181), ("::1", 5)]
    assert watchers_of([{"/a": [2]}, {"/a": [1], "/b": [3]}]) == {"/a": [1, 2], "/b": [3]}


async def answered(answer: bytes, stream: trio.SocketStream) -> None:
    await stream.receive_some(4)
    await stream.send_all(answer)
    await stream.aclose()


async def test_a_server_that_refuses(nursery: trio.Nursery) -> None:
    refusal = b"wchp is not executed because it is not in the whitelist.\n"
    listeners = await nursery.start(
        partial(trio.serve_tcp, partial(answered, refusal), 0, host="127.0.0.1")
    )
    port = listeners[0].socket.getsockname()[1]
    with pytest.raises(WordRefused, match="wchp is not in its 4lw"):
        await ask("127.0.0.1", port, "wchp")
    nursery.cancel_scope.cancel()
