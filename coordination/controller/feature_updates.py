"""Finalized features (KIP-584): what /feature holds, and who may change it.

    /feature  {"version":2, "status":1, "features":{"f":{"max_version_level":3}}}

A finalized feature is a promise that all brokers have it, at that level. Brokers in ZooKeeper mode
support none (features came to be used with KRaft), so nothing can be finalized: every update is
refused, but for forgetting what somebody else has written there. What remains is the document's
upkeep when a term begins:

    no znode                   made, enabled, without features
    version 1 or disabled      written as version 2, enabled; a disabled one's features are dropped
    unreadable                 left alone: features are then unknown, and nothing is lost by it

Source: kafka.controller.KafkaController.{enableFeatureVersioning,
processFeatureUpdatesWithActiveController,validateFeatureUpdate}.
"""

from collections.abc import Mapping

from coordination.controller.context import ControllerContext
from coordination.controller.effects import Reply
from coordination.controller.requests import (
    FeaturesUpdated,
    FeatureUpdate,
    KafkaErrorName,
    Refusal,
    UpdateFeatures,
    UpgradeType,
)
from coordination.controller.story import Story, headline, persist, read, record_bad_znode
from coordination.store import BadVersion, Create, Node, NodeExists, NoNode, Set, StoreError
from coordination.znodes import BadZnode, Feature, decode_feature, encode_feature, paths

__all__ = ["enable_features", "update_features"]


def enable_features(context: ControllerContext) -> Story[None]:
    [node] = yield from read([paths.FEATURE])
    if node is None:
        write: Create | Set = Create(paths.FEATURE, encode_feature(Feature(enabled=True)))
    else:
        found = yield from _decode(node)
        if found is None or (found.enabled and found.version == Feature(True).version):
            return
        features = found.features if found.enabled else {}
        enabled = encode_feature(Feature(True, features))
        write = Set(paths.FEATURE, enabled, node.stat.version)
    [outcome] = yield from persist(context, [[write]])
    if isinstance(outcome, StoreError) and not isinstance(outcome, NodeExists | BadVersion):
        raise outcome


def update_features(context: ControllerContext, request: UpdateFeatures) -> Story[None]:
    """Judge each update by itself; write what remains of the features, if anything changes."""
    [node] = yield from read([paths.FEATURE])
    found = None if node is None else (yield from _decode(node))
    finalized = found.features if found is not None and found.enabled else {}
    results: dict[str, Refusal | None] = {
        update.feature: _judge(update, finalized) for update in request.updates
    }
    forgotten = {feature for feature, refusal in results.items() if refusal is None}
    remaining = {name: level for name, level in finalized.items() if name not in forgotten}
    if node is not None and forgotten and not request.validate_only:
        write = Set(paths.FEATURE, encode_feature(Feature(True, remaining)), node.stat.version)
        if (yield from _write(context, write)):
            yield from headline("features.updated", features=remaining)
        else:
            failed = Refusal(KafkaErrorName.FEATURE_UPDATE_FAILED)
            results = {feature: each or failed for feature, each in results.items()}
    yield Reply(FeaturesUpdated(results))


def _write(context: ControllerContext, write: Set) -> Story[bool]:
    """Whether it is there: False if somebody else has changed the znode since it was read.

    A write whose reply was lost with the connection is asked for again, and refused for the
    version that it has made itself."""
    [outcome] = yield from persist(context, [[write]])
    if isinstance(outcome, BadVersion | NoNode):
        [found] = yield from read([paths.FEATURE])
        return (
            found is not None
            and found.data == write.data
            and found.stat.version == write.version + 1
        )
    if isinstance(outcome, StoreError):
        raise outcome
    return True


def _decode(node: Node) -> Story[Feature | None]:
    try:
        return decode_feature(node)
    except BadZnode as error:
        yield from record_bad_znode(error)
        return None


def _judge(update: FeatureUpdate, finalized: Mapping[str, int]) -> Refusal | None:
    """Why the update is refused; None if it is the deletion of a finalized feature."""
    if not update.feature:
        why = "Feature name can not be empty."
    elif update.upgrade_type not in set(UpgradeType):
        why = "Received unknown upgrade type."
    elif update.level < 1 and update.upgrade_type == UpgradeType.UPGRADE:
        why = (
            f"Can not provide versionLevel: {update.level} less than 1 without setting the SAFE "
            "downgradeType in the request."
        )
    elif update.level < 1:
        if update.feature in finalized:
            return None
        why = "Can not delete non-existing finalized feature."
    else:
        why = (
            "Could not apply finalized feature update because the provided feature is not "
            "supported."
        )
    return Refusal(KafkaErrorName.INVALID_REQUEST, why)
