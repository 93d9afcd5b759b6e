"""What there is one of: the cluster's id, its controller, its features, its producer ids.

    /cluster/id                 {"version":"1", "id":"TWGlyXDDRxCWNF1TU93F7w"}
    /controller                 {"version":2, "brokerid":3, "timestamp":"1795332305804",
                                 "kraftControllerEpoch":-1}
    /controller_epoch           1     (digits, no JSON)
    /feature                    {"version":2, "status":1, "features":{}}
    /latest_producer_id_block   {"version":1, "broker":1, "block_start":"1000", "block_end":"1999"}

kraftControllerEpoch belongs to the migration away from ZooKeeper (KIP-866); -1 says that none is
under way. Source: kafka.zk.{ClusterIdZNode,ControllerZNode,ControllerEpochZNode,FeatureZNode,
ProducerIdBlockZNode}.
"""

from collections.abc import Mapping

import attrs

from coordination.store import Node
from coordination.znodes import paths
from coordination.znodes.documents import BadZnode, Document, encode_json, whole_number


@attrs.frozen
class Controller:
    """`kraft_controller_epoch` is -1 unless a migration to KRaft runs."""

    broker_id: int
    timestamp_ms: int
    kraft_controller_epoch: int = -1


@attrs.frozen
class Feature:
    """Finalized features (KIP-584): `features` maps a name to its finalized version."""

    enabled: bool
    features: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen
class ProducerIdBlock:
    """Both ends are inclusive, as Kafka stores them."""

    broker_id: int
    first_id: int
    last_id: int


def encode_cluster_id(cluster_id: str) -> bytes:
    return encode_json({"version": "1", "id": cluster_id})


def decode_cluster_id(node: Node) -> str:
    return Document.parse(paths.CLUSTER_ID, node.data).string("id")


def encode_controller(controller: Controller) -> bytes:
    return encode_json(
        {
            "version": 2,
            "brokerid": controller.broker_id,
            "timestamp": str(controller.timestamp_ms),
            "kraftControllerEpoch": controller.kraft_controller_epoch,
        }
    )


def decode_controller(node: Node) -> Controller:
    document = Document.parse(paths.CONTROLLER, node.data)
    return Controller(
        broker_id=document.integer("brokerid"),
        timestamp_ms=document.digits("timestamp") if document.has("timestamp") else -1,
        kraft_controller_epoch=(
            document.integer("kraftControllerEpoch") if document.has("kraftControllerEpoch") else -1
        ),
    )


def encode_controller_epoch(epoch: int) -> bytes:
    return str(epoch).encode()


def decode_controller_epoch(node: Node) -> int:
    epoch = whole_number(node.data.decode(errors="replace"))
    if epoch is None:
        raise BadZnode(paths.CONTROLLER_EPOCH, f"expected digits, found {node.data!r:.80}")
    return epoch


def encode_feature(feature: Feature) -> bytes:
    return encode_json({"version": 2, "status": int(feature.enabled), "features": feature.features})


def decode_feature(node: Node) -> Feature:
    """Version 2 only: version 1 (before Kafka 3.3) gave each feature a range of levels."""
    document = Document.parse(paths.FEATURE, node.data)
    if document.integer("version") != 2:
        raise document.bad("version", "2")
    status = document.integer("status")
    if status not in (0, 1):
        raise document.bad("status", "0 (disabled) or 1 (enabled)")
    features = document.document("features")
    return Feature(status == 1, {name: features.integer(name) for name in features.fields})


def encode_producer_id_block(block: ProducerIdBlock) -> bytes:
    return encode_json(
        {
            "version": 1,
            "broker": block.broker_id,
            "block_start": str(block.first_id),
            "block_end": str(block.last_id),
        }
    )


def decode_producer_id_block(node: Node) -> ProducerIdBlock | None:
    """None while the znode is empty: no block was handed out yet."""
    if not node.data:
        return None
    document = Document.parse(paths.PRODUCER_ID_BLOCK, node.data)
    return ProducerIdBlock(
        broker_id=document.integer("broker"),
        first_id=document.digits("block_start"),
        last_id=document.digits("block_end"),
    )
