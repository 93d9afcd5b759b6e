"""Broker addresses as people type them: `host:port,host:port`, `[::1]:9092`."""

import attrs

DEFAULT_PORT = 9092


@attrs.frozen
class Address:
    """Where a broker listens. `str()` gives the form that `parse_addresses` takes."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_addresses(text: str) -> tuple[Address, ...]:
    """The addresses of a bootstrap list, in its order.

    A missing port means 9092. Raises `ValueError` with one line that names the part that
    can't be read.
    """
    addresses = tuple(_parse_one(part.strip()) for part in text.split(",") if part.strip())
    if not addresses:
        raise ValueError("an address is missing: give HOST:PORT, or several with commas")
    return addresses


def _parse_one(part: str) -> Address:
    if part.startswith("["):
        host, bracket, rest = part[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{part!r} is not HOST:PORT: an IPv6 address is written [::1]:9092")
        port = rest[1:]
    elif part.count(":") > 1:
        raise ValueError(f"{part!r} is not HOST:PORT: an IPv6 address is written [::1]:9092")
    else:
        host, _, port = part.partition(":")
    if not host:
        raise ValueError(f"{part!r} is not HOST:PORT: the host is missing")
    if not host.isascii():  # a dash that was pasted, more often than a name in another script
        raise ValueError(f"{part!r} is not HOST:PORT: a host's name is ASCII, if need be as xn--..")
    if not port:
        return Address(host, DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{part!r} is not HOST:PORT: a port is a number from 1 to 65535")
    return Address(host, int(port))
