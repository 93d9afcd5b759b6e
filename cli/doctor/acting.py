"""Which brokers act as the controller, by their own word: zbroker's tell it at `http.listener`.

ZooKeeper knows who was elected, and each broker whom it was told of; that another one still acts
(KAFKA-6082) only he himself could say. A real Kafka says it by JMX alone.
"""

from collections.abc import Sequence

from cli.client import Address, ClientError
from cli.client.http import get

GAUGE = "kafka_controller_kafkacontroller_activecontrollercount"
PATIENCE_S = 5.0


async def read_acting(http: Sequence[Address]) -> tuple[dict[str, bool], tuple[str, ...]]:
    """Whether it acts, by address; and what we couldn't learn."""
    if not http:
        return {}, (
            "who acts as controller: zbroker's brokers tell it to --http, Kafka by JMX only",
        )
    acting: dict[str, bool] = {}
    unseen: list[str] = []
    for address in http:
        page = bytearray()
        try:
            await get(address, "/metrics", page.extend, patience_s=PATIENCE_S)
            acting[str(address)] = _gauge(page.decode(errors="replace")) > 0
        except ClientError as error:
            unseen.append(str(error))
        except (LookupError, ValueError):
            unseen.append(f"http://{address}/metrics has no {GAUGE}")
    return acting, tuple(unseen)


def _gauge(page: str) -> float:
    """Its value; LookupError or ValueError if there is none."""
    for line in page.splitlines():
        name, _, value = line.partition(" ")
        if name == GAUGE:
            return float(value)
    raise LookupError(GAUGE)
