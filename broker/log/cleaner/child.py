"""`python -m broker.log.cleaner.child`: cleans what it is told on stdin, and ends when that closes.

It runs beside the broker at a low priority, and needs nothing of it but the pipe. When the broker
is gone, however it went, the pipe is closed: looked at after every megabyte and every second of
sleep, for files written by one whose owner is gone would get into the way of the next owner's."""

import math
import os
import select
import sys
import time
from collections.abc import Callable

import attrs

from broker.log.cleaner.cleaning import Cleaning
from broker.log.cleaner.job import GO_ON, Answer, Failure, Job, encode
from broker.log.disk import RealDisk
from broker.wire.errors import KafkaError

NICENESS = 10  # a tenth of a busy processor, and all of an idle one
_LOOK_EVERY_BYTES = 1 << 20
_LOOK_EVERY_S = 1.0
_LEAST_RATE = 1.0  # a byte a second: it stands still, as it should


def main() -> None:
    os.nice(NICENESS)
    while True:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        _say(_clean(Job.decode(line)))


def _clean(job: Job) -> Answer:
    cleaning = Cleaning(job, RealDisk(), Throttle(job.bytes_per_second, _end_without_owner)).run()
    try:
        while True:
            try:
                _say(next(cleaning))
            except StopIteration as done:
                answer: Answer = done.value
                return answer
            if sys.stdin.buffer.readline() != GO_ON:
                sys.exit()
    except (OSError, KafkaError) as error:
        return Failure.of(error)


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(encode(answer))
    sys.stdout.buffer.flush()


def _end_without_owner() -> None:
    poll = select.poll()
    poll.register(sys.stdin, select.POLLHUP)
    if poll.poll(0):
        sys.exit()


@attrs.define
class Throttle:
    """Holds reading and writing together to `bytes_per_second`, and looks up now and then.

    bytes_per_second: log.cleaner.io.max.bytes.per.second, which may be any number. As with Kafka,
    nothing goes on at 0, and less than 0 means no limit.
    """

    bytes_per_second: float
    look_up: Callable[[], None]
    clock_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _bytes: int = attrs.field(default=0, init=False)
    _since_s: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        rate = self.bytes_per_second
        self.bytes_per_second = math.inf if rate < 0 else max(_LEAST_RATE, rate)
        self._since_s = self.clock_s()

    def __call__(self, size_bytes: int) -> None:
        self._bytes += size_bytes
        if self._bytes < min(_LOOK_EVERY_BYTES, self.bytes_per_second / 4):
            return
        self.look_up()
        until_s = self._since_s + self._bytes / self.bytes_per_second
        while (ahead_s := until_s - self.clock_s()) > 0:
            self.sleep(min(ahead_s, _LOOK_EVERY_S))
            self.look_up()
        self._bytes, self._since_s = 0, self.clock_s()


if __name__ == "__main__":
    main()
