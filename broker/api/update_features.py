"""UpdateFeatures: finalize features, or forget them (KIP-584); the controller judges.

See coordination/controller/feature_updates.py: in ZooKeeper mode there is nothing to finalize.
Kafka: KafkaApis.handleUpdateFeatures.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from coordination.controller.inbox import NotController
from coordination.controller.requests import (
    FeaturesUpdated,
    FeatureUpdate,
    Refusal,
    UpdateFeatures,
    UpgradeType,
)

FIRST_VERSION_WITH_UPGRADE_TYPE = 1


async def handle(
    broker: Broker, context: RequestContext, request: UpdateFeaturesRequest
) -> UpdateFeaturesResponse:
    updates = [_update(context, update) for update in request.feature_updates]
    try:
        updated = await broker.controller.submit(UpdateFeatures(updates, request.validate_only))
    except NotController:
        code = ErrorCode.NOT_CONTROLLER
        return UpdateFeaturesResponse(error_code=code, error_message=code.message)
    assert isinstance(updated, FeaturesUpdated)
    return UpdateFeaturesResponse(
        error_message=None,
        results=[_result(feature, result) for feature, result in updated.results.items()],
    )


def _update(context: RequestContext, update: FeatureUpdateKey) -> FeatureUpdate:
    upgrade_type = update.upgrade_type
    if context.api_version < FIRST_VERSION_WITH_UPGRADE_TYPE:
        upgrade_type = UpgradeType.SAFE_DOWNGRADE if update.allow_downgrade else UpgradeType.UPGRADE
    return FeatureUpdate(update.feature, update.max_version_level, upgrade_type)


def _result(feature: str, result: Refusal | None) -> UpdatableFeatureResult:
    if result is None:
        return UpdatableFeatureResult(feature=feature, error_message=None)
    code = ErrorCode[result.error.value]
    return UpdatableFeatureResult(
        feature=feature, error_code=code, error_message=result.message or code.message
    )
