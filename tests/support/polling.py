"""Clients that do most of their work while they are polled, beside a test that does other work."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def polled(poll: Callable[[], object]) -> Iterator[None]:
    """Call `poll` again and again, in a thread of its own, during the block."""
    stopping = threading.Event()

    def go_on() -> None:
        while not stopping.is_set():
            poll()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
