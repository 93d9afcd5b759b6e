"""Features (KIP-584) as a broker in ZooKeeper mode has them: none, and an epoch."""

import json

import pytest
from kazoo.client import KazooClient

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.api_versions import ApiVersionsRequest
from broker.wire.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from tests.support.cluster import TestCluster
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.server


def test_the_znode(cluster: TestCluster) -> None:
    client = KazooClient(cluster.zookeeper_connect)
    client.start()
    data, stat = client.get("/feature")
    client.stop()
    client.close()
    assert json.loads(data) == {"version": 2, "status": 1, "features": {}}
    assert stat.version == 0


@pytest.mark.parametrize("version", [3, 4])
def test_api_versions_tells_them(cluster: TestCluster, version: int) -> None:
    for broker_id in cluster.brokers:
        with RawClient(cluster.address(broker_id)) as client:
            answer = client.ask(
                ApiKey.API_VERSIONS,
                version,
                ApiVersionsRequest(client_software_name="t", client_software_version="1"),
            )
        assert answer.supported_features == []
        assert answer.finalized_features == []
        assert answer.finalized_features_epoch == 0
        assert answer.zk_migration_ready is False


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"feature": "odd", "max_version_level": 1}, "the provided feature is not supported"),
        ({"feature": "odd", "max_version_level": 0}, "Can not provide versionLevel: 0 less than 1"),
        (
            {"feature": "odd", "max_version_level": 0, "upgrade_type": 2},
            "Can not delete non-existing finalized feature.",
        ),
        ({"feature": "", "max_version_level": 1}, "Feature name can not be empty."),
        ({"feature": "odd", "max_version_level": 1, "upgrade_type": 9}, "unknown upgrade type"),
    ],
)
def test_an_update_is_refused(cluster: TestCluster, update: dict[str, object], said: str) -> None:
    request = UpdateFeaturesRequest(feature_updates=[FeatureUpdateKey(**update)], timeout_ms=5000)
    controller = cluster.metadata(1).controller_id
    with RawClient(cluster.address(controller)) as client:
        answer = client.ask(ApiKey.UPDATE_FEATURES, 1, request)
    assert answer.error_code == ErrorCode.NONE
    [result] = answer.results
    assert (result.feature, result.error_code) == (update["feature"], ErrorCode.INVALID_REQUEST)
    assert said in result.error_message


def test_version_0_and_a_broker_that_is_not_the_controller(cluster: TestCluster) -> None:
    controller = cluster.metadata(1).controller_id
    update = FeatureUpdateKey(feature="odd", max_version_level=0, allow_downgrade=True)
    request = UpdateFeaturesRequest(feature_updates=[update], timeout_ms=5000)
    for broker_id in cluster.brokers:
        with RawClient(cluster.address(broker_id)) as client:
            answer = client.ask(ApiKey.UPDATE_FEATURES, 0, request)
        if broker_id != controller:
            assert (answer.error_code, answer.results) == (ErrorCode.NOT_CONTROLLER, [])
            continue
        [result] = answer.results
        assert result.error_code == ErrorCode.INVALID_REQUEST
        assert "Can not delete non-existing finalized feature." in result.error_message
