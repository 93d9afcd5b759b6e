"""Free TCP ports, without two tests getting the same.

Asking the kernel for a free port (bind to 0) and handing its number to a server leaves a gap in
which an outgoing connection, or another test, may take it. So: numbers below the kernel's range
for outgoing connections (32768 and up), each claimed for the life of this test process under a
name in the abstract socket namespace, which all test processes of the machine share and the
kernel clears when one of them ends.
"""

import random
import socket
from contextlib import closing

LOWEST, HIGHEST = 22000, 31999

_claims: dict[int, socket.socket] = {}  # open sockets are what holds a claim


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on and no other test process will be given."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    for _ in range(1000):
        first = random.randint(LOWEST, HIGHEST - count)
        if all(_claim(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row between {LOWEST} and {HIGHEST}")


def _claim(port: int) -> bool:
    if port in _claims:
        return False
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0zbroker-test-port-{port}")
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True
