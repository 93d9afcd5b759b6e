"""`world` and `proxy`, as the coordination room's tests have them."""

from tests.coordination.conftest import connect, proxy, world

__all__ = ["connect", "proxy", "world"]
