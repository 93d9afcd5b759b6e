"""A znode in words: `/controller` is not `{"version":2,"brokerid":3,..}` but "broker 3 since ..".

One table says which decoder of `coordination.znodes` reads which path, and how
its value is put. A path that is not in it is shown as it is; a document that
its decoder refuses is shown with the reason, because that is what one looks for.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

from coordination import znodes
from coordination.store import Node
from coordination.values import NO_LEADER, TopicPartition

# Given the parts that the path's pattern caught, and the node; the words.
Words = Callable[[tuple[str, ...], Node], str]


def words_of(path: str, node: Node) -> str:
    """What stands in the znode, in one line; "" if it is empty."""
    if not node.data:
        return ""
    for pattern, words in _WORDS:
        matched = pattern.fullmatch(path)
        if matched:
            try:
                return words(matched.groups(), node)
            except znodes.BadZnode as error:
                return f"unreadable ({error})"
    return raw_text(node)


def raw_text(node: Node) -> str:
    """The data as text; JSON without its line breaks, bytes that are no text escaped."""
    text = node.data.decode("utf-8", errors="backslashreplace")
    try:
        return json.dumps(json.loads(text), separators=(",", ":")) if text[:1] in "{[" else text
    except ValueError:
        return text


def _broker(parts: tuple[str, ...], node: Node) -> str:
    broker = znodes.decode_broker(int(parts[0]), node)
    rack = f", rack {broker.rack}" if broker.rack else ""
    return f"{' '.join(map(str, broker.endpoints))}{rack}, since {_time(broker.timestamp_ms)}"


def _controller(_parts: tuple[str, ...], node: Node) -> str:
    controller = znodes.decode_controller(node)
    return f"broker {controller.broker_id}, since {_time(controller.timestamp_ms)}"


def _topic(parts: tuple[str, ...], node: Node) -> str:
    topic = znodes.decode_topic(parts[0], node)
    replicas = "; ".join(
        f"{partition}: {_ids(assignment.replicas)}"
        + (f" adding {_ids(assignment.adding)}" if assignment.adding else "")
        + (f" removing {_ids(assignment.removing)}" if assignment.removing else "")
        for partition, assignment in sorted(topic.partitions.items())
    )
    topic_id = f"id {znodes.topic_id_text(topic.topic_id)}, " if topic.topic_id else ""
    return f"{topic_id}replicas {replicas}"


def _state(parts: tuple[str, ...], node: Node) -> str:
    state = znodes.decode_partition_state(TopicPartition(parts[0], int(parts[1])), node)
    leader = "no leader" if state.leader == NO_LEADER else f"leader {state.leader}"
    return (
        f"{leader}, leader epoch {state.leader_epoch}, ISR {_ids(state.isr)}, "
        f"controller epoch {state.controller_epoch}"
    )


def _config(parts: tuple[str, ...], node: Node) -> str:
    config = znodes.decode_config(parts[0], node)
    # A SCRAM credential is a secret even in its salted form.
    return ", ".join(
        f"{name}={'[hidden]' if name.startswith('SCRAM-') else value}"
        for name, value in sorted(config.items())
    )


def _producer_ids(_parts: tuple[str, ...], node: Node) -> str:
    block = znodes.decode_producer_id_block(node)
    if block is None:
        return ""
    return f"{block.first_id} to {block.last_id}, given to broker {block.broker_id}"


def _ids(broker_ids: tuple[int, ...]) -> str:
    return ",".join(map(str, broker_ids))


def _time(timestamp_ms: int) -> str:
    moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_WORDS: list[tuple[re.Pattern[str], Words]] = [
    (re.compile(r"/brokers/ids/(\d+)"), _broker),
    (re.compile(r"/brokers/topics/([^/]+)"), _topic),
    (re.compile(r"/brokers/topics/([^/]+)/partitions/(\d+)/state"), _state),
    (re.compile(r"/controller"), _controller),
    (re.compile(r"/controller_epoch"), lambda _, node: str(znodes.decode_controller_epoch(node))),
    (re.compile(r"/cluster/id"), lambda _, node: znodes.decode_cluster_id(node)),
    (re.compile(r"/config/((?:topics|brokers|clients|ips)/[^/]+)"), _config),
    (re.compile(r"/config/(users/[^/]+(?:/clients/[^/]+)?)"), _config),
    (
        re.compile(r"(/config/changes/config_change_\d+)"),
        lambda parts, node: znodes.decode_config_change(parts[0], node),
    ),
    (re.compile(r"/latest_producer_id_block"), _producer_ids),
]
