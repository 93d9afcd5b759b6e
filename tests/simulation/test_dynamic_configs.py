"""Configs that change while an ensemble runs: every broker applies them, however it fares."""

from pathlib import Path

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages import incremental_alter_configs as iac
from coordination.configs import change_config
from tests.broker.support import call
from tests.simulation.looking import T0
from tests.simulation.stage import Stage, play

ALL, SET, BROKER = "brokers/<default>", 0, 4
LIMIT = 200


async def accepts_large(stage: Stage, when: str) -> bool:
    produced = await stage.client.produce(T0, when.ljust(2 * LIMIT, "."))
    assert produced.error in (ErrorCode.NONE, ErrorCode.MESSAGE_TOO_LARGE)
    return produced.error is ErrorCode.NONE


def limits(stage: Stage) -> list[int]:
    """The largest batch that the logs of each broker take."""
    return [
        log.config.max_message_bytes
        for broker in stage.ensemble.brokers()
        for log in broker.logs.logs.values()
    ]


@pytest.mark.long
def test_all_brokers_follow_and_one_that_was_away_or_down_catches_up(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers()
        assert await accepts_large(stage, "before")
        ensemble.cut_from_zookeeper(3)
        await ensemble.crash(2)

        resource = iac.AlterConfigsResource(
            resource_type=BROKER,
            resource_name="",
            configs=[
                iac.AlterableConfig(
                    name="message.max.bytes", config_operation=SET, value=str(LIMIT)
                )
            ],
        )
        request = iac.IncrementalAlterConfigsRequest(resources=[resource])
        [answer] = (await call(ensemble.broker(1), request, 1)).responses
        assert answer.error_code == ErrorCode.NONE
        await ensemble.until(lambda: set(limits(stage)) > {LIMIT}, "one of the two has heard of it")
        assert not await accepts_large(stage, "meanwhile")

        ensemble.heal()
        await ensemble.start(2)
        await ensemble.until(lambda: set(limits(stage)) == {LIMIT}, "all have heard of it")
        assert [broker.config.message_max_bytes for broker in ensemble.brokers()] == [LIMIT] * 3

        session = await ensemble.broker(1).configs.session()
        await change_config(session, ALL, lambda _before: {})
        await ensemble.until(lambda: min(limits(stage)) > LIMIT, "all have heard that it is over")
        await stage.checker.settled()
        assert await accepts_large(stage, "afterwards")

    play(story, tmp_path)
