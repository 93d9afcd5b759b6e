"""What there is one of: the cluster's id, its controller, its features, its producer ids.

    /cluster/id                 {"version":"1", "id":"TWGlyXDDRxCWNF1TU93F7w"}
    /controller                 {"version":2, "brokerid":3, "timestamp":"1795332305804",
                                 "kraftControllerEpoch":-1}
    /controller_epoch           1     (digits, no JSON)
    /feature                    {"version":2, "status":1,
                                 "features":{"f":{"max_version_level":3}}}
    /latest_producer_id_block   {"version":1, "broker":1, "block_start":"1000", "block_end":"1999"}

kraftControllerEpoch belongs to the migration away from ZooKeeper (KIP-866); -1 says that none is
under way. Source: kafka.zk.{ClusterIdZNode,ControllerZNode,ControllerEpochZNode,FeatureZNode,
ProducerIdBlockZNode}.
"""

from collections.abc import Mapping

import attrs

from coordination.store import Node
from coordination.znodes import paths
from coordination.znodes.documents import (
    LAST_EPOCH,
    BadZnode,
    Document,
    encode_json,
    whole_number,
)


@attrs.frozen
class Controller:
    """`kraft_controller_epoch` is -1 unless a migration to KRaft runs."""

    broker_id: int
    timestamp_ms: int
    kraft_controller_epoch: int = -1


@attrs.frozen
class Feature:
    """Finalized features (KIP-584): `features` maps a name to its finalized version level.

    Version 1 of the document (before Kafka 3.3) gave each feature a lowest level besides.
    """

    enabled: bool
    features: Mapping[str, int] = attrs.field(factory=dict)
    version: int = 2


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
    if epoch is None or epoch not in range(LAST_EPOCH):
        why = f"expected digits of an epoch that others can follow, found {node.data!r:.80}"
        raise BadZnode(paths.CONTROLLER_EPOCH, why)
    return epoch


def encode_feature(feature: Feature) -> bytes:
    levels = {name: {"max_version_level": level} for name, level in feature.features.items()}
    return encode_json({"version": 2, "status": int(feature.enabled), "features": levels})


def decode_feature(node: Node) -> Feature:
    document = Document.parse(paths.FEATURE, node.data)
    version = document.integer("version")
    if version not in (1, 2):
        raise document.bad("version", "1 or 2")
    status = document.integer("status")
    if status not in (0, 1):
        raise document.bad("status", "0 (disabled) or 1 (enabled)")
    features = document.document("features")
    levels = {name: _feature_level(features.document(name), version) for name in features.fields}
    return Feature(status == 1, levels, version)


def _feature_level(levels: Document, version: int) -> int:
    highest = levels.integer("max_version_level")
    lowest = levels.integer("min_version_level") if version == 1 else 1
    if not 1 <= lowest <= highest < 1 << 15:
        raise levels.bad("max_version_level", f"at least {max(1, lowest)}, in 16 bits")
    return highest


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
    first_id, last_id = document.digits("block_start"), document.digits("block_end")
    if not 0 <= first_id <= last_id:
        raise document.bad("block_end", f"at least block_start, {first_id}, and that at least 0")
    return ProducerIdBlock(document.integer("broker"), first_id, last_id)
