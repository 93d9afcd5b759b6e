"""UpdateFeatures: what the wire says is what the controller judges, and back."""

from pathlib import Path

import trio

from broker.wire.errors import ErrorCode
from broker.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from coordination.controller.context import ControllerContext
from coordination.controller.inbox import Inbox, Question
from coordination.controller.requests import (
    FeaturesUpdated,
    FeatureUpdate,
    KafkaErrorName,
    Refusal,
    UpdateFeatures,
)
from coordination.controller.runner import ActiveController
from tests.broker.support import call, open_broker


async def ask(
    directory: Path, request: UpdateFeaturesRequest, version: int, result: dict[str, Refusal | None]
) -> tuple[UpdateFeatures, UpdateFeaturesResponse]:
    asked: list[UpdateFeatures] = []
    async with open_broker(directory) as broker, trio.open_nursery() as nursery:
        inbox = Inbox()
        broker.controller.active = ActiveController(ControllerContext(1, 1, 1), inbox)

        async def controller() -> None:
            item = await inbox.take()
            assert isinstance(item, Question)
            assert isinstance(item.request, UpdateFeatures)
            asked.append(item.request)
            item.answer(FeaturesUpdated(result))

        nursery.start_soon(controller)
        answer = await call(broker, request, version)
    assert isinstance(answer, UpdateFeaturesResponse)
    return asked[0], answer


async def test_each_feature_has_its_answer(tmp_path: Path) -> None:
    request = UpdateFeaturesRequest(
        feature_updates=[
            FeatureUpdateKey(feature="a", max_version_level=0, upgrade_type=3),
            FeatureUpdateKey(feature="b", max_version_level=2),
        ],
        validate_only=True,
    )
    refusal = Refusal(KafkaErrorName.INVALID_REQUEST, "no")
    asked, answer = await ask(tmp_path, request, 1, {"a": None, "b": refusal})
    assert asked == UpdateFeatures([FeatureUpdate("a", 0, 3), FeatureUpdate("b", 2, 1)], True)
    assert (answer.error_code, answer.error_message) == (ErrorCode.NONE, None)
    assert [(each.feature, each.error_code, each.error_message) for each in answer.results] == [
        ("a", ErrorCode.NONE, None),
        ("b", ErrorCode.INVALID_REQUEST, "no"),
    ]


async def test_version_0_allows_a_downgrade_by_a_flag(tmp_path: Path) -> None:
    updates = [
        FeatureUpdateKey(feature="a", max_version_level=0, allow_downgrade=True),
        FeatureUpdateKey(feature="b", max_version_level=0),
    ]
    request = UpdateFeaturesRequest(feature_updates=updates)
    asked, _ = await ask(tmp_path, request, 0, {"a": None, "b": None})
    assert [update.upgrade_type for update in asked.updates] == [2, 1]


async def test_only_the_controller_updates(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        answer = await call(broker, UpdateFeaturesRequest(), 1)
    assert answer.error_code == ErrorCode.NOT_CONTROLLER
    assert answer.results == []
