"""Requests about configs, quotas and credentials: each gets the answer that Kafka gives.

Every expectation was read off the real 3.9.1, and holds there too: `pytest --cluster kafka`. Where
we knowingly differ, the entry names both.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_client_quotas as acq
from broker.wire.messages import alter_configs as ac
from broker.wire.messages import alter_user_scram_credentials as ausc
from broker.wire.messages import describe_client_quotas as dcq
from broker.wire.messages import describe_configs as dc
from broker.wire.messages import describe_user_scram_credentials as dusc
from broker.wire.messages import incremental_alter_configs as iac
from broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.raw_client import RawClient

pytestmark = pytest.mark.server

E = ErrorCode
TOPIC, BROKER, LOGGER, CLIENT_METRICS = 2, 4, 8, 16
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
Answer = tuple[ErrorCode, str | None]


@pytest.fixture(scope="module")
def alone(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """One broker, 1, which is the controller; its topic is `t`."""
    with running_cluster(kind, tmp_path_factory.mktemp("configs"), brokers=1) as cluster:
        with RawClient(cluster.address(1)) as client:
            topic = CreatableTopic(name="t", num_partitions=1, replication_factor=1)
            request = CreateTopicsRequest(topics=[topic], timeout_ms=20_000)
            created = client.ask(ApiKey.CREATE_TOPICS, 7, request)
            assert created.topics[0].error_code == E.NONE
        yield cluster


@pytest.fixture
def client(alone: TestCluster) -> Iterator[RawClient]:
    with RawClient(alone.address(1)) as client:
        yield client


def increment(
    client: RawClient, kind: int, name: str, key: str, operation: int, value: str | None
) -> Answer:
    resource = iac.AlterConfigsResource(
        resource_type=kind,
        resource_name=name,
        configs=[iac.AlterableConfig(name=key, config_operation=operation, value=value)],
    )
    request = iac.IncrementalAlterConfigsRequest(resources=[resource])
    [answer] = client.ask(ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, request).responses
    return E(answer.error_code), answer.error_message


def of_pool(change: str, problem: str) -> str:
    return (
        "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update "
        f"validation failed for {change}, value should {problem} for configuration Invalid dynamic "
        "configuration"
    )


def in_topic(problem: str) -> str:
    return f"Invalid config value for resource ConfigResource(type=TOPIC, name='t'): {problem}"


REFUSED = [
    (TOPIC, "", "retention.ms", SET, "5", E.INVALID_REQUEST,
     "Default topic resources are not allowed."),
    (TOPIC, "nosuch", "retention.ms", SET, "5", E.UNKNOWN_TOPIC_OR_PARTITION,
     "The topic 'nosuch' does not exist."),
    (TOPIC, "t", "nonsense", SET, "5", E.INVALID_CONFIG, "Unknown topic config name: nonsense"),
    (TOPIC, "t", "retention.ms", SET, "x", E.INVALID_CONFIG,
     in_topic("Invalid value x for configuration retention.ms: Not a number of type LONG")),
    (TOPIC, "t", "remote.storage.enable", SET, "true", E.INVALID_CONFIG,
     in_topic("Tiered Storage functionality is disabled in the broker. Topic cannot be configured "
              "with remote log storage.")),
    (TOPIC, "t", "min.compaction.lag.ms", SET, "-1", E.INVALID_CONFIG,
     in_topic("Invalid value -1 for configuration min.compaction.lag.ms: "
              "Value must be at least 0")),
    (TOPIC, "t", "retention.ms", APPEND, "5", E.INVALID_CONFIG,
     "Config value append is not allowed for config key: retention.ms"),
    (TOPIC, "t", "retention.ms", SUBTRACT, "5", E.INVALID_CONFIG,
     "Config value subtract is not allowed for config key: retention.ms"),
    (TOPIC, "t", "retention.ms", SET, None, E.INVALID_REQUEST,
     "Null value not supported for : retention.ms"),
    (BROKER, "2", "log.retention.ms", SET, "5", E.INVALID_REQUEST,
     "Unexpected broker id, expected 1, but received 2"),
    (BROKER, "x", "log.retention.ms", SET, "5", E.INVALID_REQUEST,
     "Node id must be an integer, but it is: x"),
    (BROKER, "1", "log.dirs", SET, "/x", E.INVALID_REQUEST,
     "Cannot update these configs dynamically: Set(log.dirs)"),
    (BROKER, "1", "log.retention.minutes", SET, "5", E.INVALID_REQUEST,
     "Cannot update these configs dynamically: Set(log.retention.minutes)"),
    (BROKER, "1", "log.retention.ms", SET, "x", E.INVALID_REQUEST,
     "Invalid value x for configuration log.retention.ms: Not a number of type LONG"),
    (BROKER, "1", "leader.replication.throttled.rate", SET, "-1", E.INVALID_REQUEST,
     "Invalid value -1 for configuration leader.replication.throttled.rate: "
     "Value must be at least 0"),
    (BROKER, "1", "num.io.threads", SET, "100", E.INVALID_REQUEST,
     of_pool("num.io.threads=100", "not be greater than double the current value 8")),
    (BROKER, "", "num.io.threads", SET, "3", E.INVALID_REQUEST,
     of_pool("num.io.threads=3", "be at least half the current value 8")),
    (BROKER, "1", "num.replica.fetchers", SET, "0", E.INVALID_REQUEST,
     of_pool("num.replica.fetchers=0", "be at least 1")),
    (BROKER, "1", "ssl.keystore.type", SET, "PEM", E.INVALID_REQUEST,
     "These security configs can be dynamically updated only per-listener using the listener "
     "prefix: HashSet(ssl.keystore.type)"),
    (BROKER, "", "advertised.listeners", SET, "PLAINTEXT://x:1", E.INVALID_REQUEST,
     "Cannot update these configs at default cluster level, broker id must be specified: "
     "Set(advertised.listeners)"),
    (BROKER, "", "listener.name.x.ssl.key.password", SET, "s", E.INVALID_REQUEST,
     "Cannot update these configs at default cluster level, broker id must be specified: "
     "Set(listener.name.x.ssl.key.password)"),
    (BROKER, "1", "listener.name.x.ssl.key.password", SET, "s", E.INVALID_CONFIG,
     "Invalid config value for resource ConfigResource(type=BROKER, name='1'): "
     "Password encoder secret not configured"),
    (BROKER, "1", "log.retention.ms", APPEND, "5", E.INVALID_CONFIG,
     "Config value append is not allowed for config key: log.retention.ms"),
    (BROKER, "1", "log.retention.ms", 9, "5", E.INVALID_REQUEST, "Unknown operations type 9"),
    (LOGGER, "x", "no.such.logger", SET, "INFO", E.INVALID_REQUEST,
     "Node id must be an integer, but it is: x"),
    (CLIENT_METRICS, "m", "interval.ms", SET, "5", E.INVALID_REQUEST,
     "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"),
    (32, "group", "x", SET, "5", E.INVALID_REQUEST, "Unknown resource type 32"),
]  # fmt: skip


def test_changes_that_are_refused(client: RawClient) -> None:
    asked = [case[:5] for case in REFUSED]
    said = {case: increment(client, *case) for case in asked}
    assert said == {case[:5]: case[5:] for case in REFUSED}


def test_nothing_may_be_named_twice(client: RawClient) -> None:
    resources = [iac.AlterConfigsResource(resource_type=TOPIC, resource_name="t")] * 2
    request = iac.IncrementalAlterConfigsRequest(resources=resources)
    answers = client.ask(ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, request).responses
    assert {(each.error_code, each.error_message) for each in answers} == {
        (E.INVALID_REQUEST, "Each resource must appear at most once.")
    }
    resource = ac.AlterConfigsResource(
        resource_type=TOPIC,
        resource_name="t",
        configs=[ac.AlterableConfig(name="retention.ms", value="5")] * 2,
    )
    [answer] = client.ask(
        ApiKey.ALTER_CONFIGS, 2, ac.AlterConfigsRequest(resources=[resource])
    ).responses
    assert (answer.error_code, answer.error_message) == (
        E.INVALID_REQUEST,
        "Error due to duplicate config keys",
    )


def test_the_older_request_knows_no_loggers(client: RawClient) -> None:
    resource = ac.AlterConfigsResource(
        resource_type=LOGGER,
        resource_name="1",
        configs=[ac.AlterableConfig(name="root", value="INFO")],
    )
    request = ac.AlterConfigsRequest(resources=[resource])
    [answer] = client.ask(ApiKey.ALTER_CONFIGS, 2, request).responses
    assert (answer.error_code, answer.error_message) == (
        E.INVALID_REQUEST,
        "Unknown resource type 8",
    )


def describe(
    client: RawClient, kind: int, name: str, *keys: str
) -> tuple[int, str | None, dict[str, tuple[Any, ...]]]:
    resource = dc.DescribeConfigsResource(
        resource_type=kind, resource_name=name, configuration_keys=list(keys) or None
    )
    request = dc.DescribeConfigsRequest(resources=[resource], include_synonyms=True)
    [result] = client.ask(ApiKey.DESCRIBE_CONFIGS, 4, request).results
    return (
        result.error_code,
        result.error_message,
        {
            each.name: (
                each.value,
                each.read_only,
                each.is_sensitive,
                each.config_type,
                [(synonym.name, synonym.value, synonym.source) for synonym in each.synonyms],
            )
            for each in result.configs
        },
    )


RATE = "follower.replication.throttled.rate"


def test_every_layer_is_described(client: RawClient, alone: TestCluster) -> None:
    own = {"log.segment.bytes": "+2000000", RATE: "1000", "my.own": "x", "num.io.threads": "9"}
    for_all = {"log.segment.bytes": "3000000", "log.retention.ms": "7", "message.max.bytes": "99"}
    of_topic = {"segment.bytes": "4000000", "cleanup.policy": "compact,delete"}
    for kind, name, configs in (
        (BROKER, "1", own),
        (BROKER, "", for_all),
        (TOPIC, "t", of_topic),
    ):
        for key, value in configs.items():
            assert increment(client, kind, name, key, SET, value) == (E.NONE, None)
    wait_for_config(client, "num.io.threads", "9")
    wait_for_config(client, "message.max.bytes", "99")

    long_max = str(2**63 - 1)
    assert describe(client, BROKER, "1", *own, *for_all) == (0, "", {
        "log.segment.bytes": ("2000000", False, False, 3, [
            ("log.segment.bytes", "+2000000", 2), ("log.segment.bytes", "3000000", 3),
            ("log.segment.bytes", "1073741824", 5),
        ]),
        RATE: ("1000", True, False, 5, [(RATE, "1000", 2)]),
        "my.own": (None, True, True, 0, [("my.own", None, 2)]),
        "num.io.threads": ("9", False, False, 3, [
            ("num.io.threads", "9", 2), ("num.io.threads", "8", 5),
        ]),
        "log.retention.ms": ("7", False, False, 5, [
            ("log.retention.ms", "7", 3), ("log.retention.hours", "168", 5),
        ]),
        "message.max.bytes": ("99", False, False, 3, [
            ("message.max.bytes", "99", 3), ("message.max.bytes", "1048588", 5),
        ]),
    })  # fmt: skip
    assert describe(client, BROKER, "") == (0, "", {
        "log.segment.bytes": ("3000000", False, False, 3, [("log.segment.bytes", "3000000", 3)]),
        "log.retention.ms": ("7", False, False, 5, [("log.retention.ms", "7", 3)]),
        "message.max.bytes": ("99", False, False, 3, [("message.max.bytes", "99", 3)]),
    })  # fmt: skip
    topic_keys = ["segment.bytes", "cleanup.policy", "retention.ms", "max.message.bytes"]
    topic_keys.append("flush.ms")
    assert describe(client, TOPIC, "t", *topic_keys) == (0, "", {
        "segment.bytes": ("4000000", False, False, 3, [
            ("segment.bytes", "4000000", 1), ("log.segment.bytes", "+2000000", 2),
            ("log.segment.bytes", "3000000", 3), ("log.segment.bytes", "1073741824", 5),
        ]),
        "cleanup.policy": ("compact,delete", False, False, 7, [
            ("cleanup.policy", "compact,delete", 1), ("log.cleanup.policy", "delete", 5),
        ]),
        "retention.ms": ("7", False, False, 5, [
            ("log.retention.ms", "7", 3), ("log.retention.hours", "168", 5),
        ]),
        "max.message.bytes": ("99", False, False, 3, [
            ("message.max.bytes", "99", 3), ("message.max.bytes", "1048588", 5),
        ]),
        "flush.ms": (long_max, False, False, 5, []),
    })  # fmt: skip

    for kind, name, configs in (
        (BROKER, "1", own),
        (BROKER, "", for_all),
        (TOPIC, "t", of_topic),
    ):
        for key in configs:
            assert increment(client, kind, name, key, DELETE, None) == (E.NONE, None)
    wait_for_config(client, "num.io.threads", "8")
    wait_for_config(client, "message.max.bytes", "1048588")


def wait_for_config(client: RawClient, key: str, value: str) -> None:
    """Until the broker has applied what was written; 20 s at most."""
    for _ in range(2000):
        _, _, configs = describe(client, BROKER, "1", key)
        if configs[key][0] == value:
            return
    raise AssertionError(f"{key} is {configs[key][0]}, not {value}")


NOT_DESCRIBED = [
    (BROKER, "2", E.INVALID_REQUEST,
     "Unexpected broker id, expected 1 or empty string, but received 2"),
    (BROKER, "x", E.INVALID_REQUEST, "Broker id must be an integer, but it is: x"),
    (LOGGER, "", E.INVALID_REQUEST, "Broker id must not be empty"),
    (LOGGER, "2", E.INVALID_REQUEST, "Unexpected broker id, expected 1 but received 2"),
    (CLIENT_METRICS, "m", E.INVALID_REQUEST,
     "Config type client-metrics is only supported on KRaft clusters"),
]  # fmt: skip


def test_what_cannot_be_described(client: RawClient) -> None:
    said = {case[:2]: describe(client, *case[:2]) for case in NOT_DESCRIBED}
    assert said == {case[:2]: (*case[2:], {}) for case in NOT_DESCRIBED}


def quotas(
    client: RawClient, names: Mapping[str, str | None], key: str, value: float | None
) -> Answer:
    entry = acq.RequestEntryData(
        entity=[
            acq.RequestEntityData(entity_type=kind, entity_name=name)
            for kind, name in names.items()
        ],
        ops=[acq.OpData(key=key, value=value or 0.0, remove=value is None)],
    )
    request = acq.AlterClientQuotasRequest(entries=[entry])
    [answer] = client.ask(ApiKey.ALTER_CLIENT_QUOTAS, 1, request).entries
    return E(answer.error_code), answer.error_message


REFUSED_QUOTAS: list[tuple[dict[str, str | None], str, float, str]] = [
    ({}, "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
    ({"x": "y"}, "producer_byte_rate", 1.0, "Unhandled client quota entity type: x"),
    ({"user": ""}, "producer_byte_rate", 1.0, "Empty user not supported"),
    ({"ip": "10.0.0.1", "user": "a"}, "producer_byte_rate", 1.0,
     "Invalid quota entity combination, IP entity should not be used with user/client ID entity."),
    ({"ip": "a b"}, "connection_creation_rate", 1.0,
     "a%20b is not a valid IP or resolvable host."),
    ({"user": "a"}, "nonsense", 1.0, "Invalid configuration key nonsense"),
    ({"ip": "10.0.0.1"}, "producer_byte_rate", 1.0, "Invalid configuration key producer_byte_rate"),
    ({"user": "a"}, "producer_byte_rate", 1.5,
     "Configuration producer_byte_rate must be a LONG value"),
    ({"ip": "10.0.0.1"}, "connection_creation_rate", -1.0,
     "Configuration connection_creation_rate must be a INT value"),
    ({"ip": "10.0.0.1"}, "connection_creation_rate", 2.0**31,
     "Configuration connection_creation_rate must be a INT value"),
]  # fmt: skip


def test_quotas_that_are_refused(client: RawClient) -> None:
    said = [quotas(client, names, key, value) for names, key, value, _ in REFUSED_QUOTAS]
    assert said == [(E.INVALID_REQUEST, message) for *_, message in REFUSED_QUOTAS]


@pytest.mark.parametrize(
    ("components", "code", "message"),
    [
        ([("user", 2)] * 2, E.INVALID_REQUEST, "Duplicate user filter component entity type"),
        ([("client-id", 2)] * 2, E.INVALID_REQUEST,
         "Duplicate client filter component entity type"),
        ([("", 2)], E.INVALID_REQUEST, "Unexpected empty filter component entity type"),
        ([("x", 2)], E.UNSUPPORTED_VERSION, "Custom entity type 'x' not supported"),
        ([("user", 2), ("ip", 2)], E.INVALID_REQUEST,
         "Invalid entity filter component combination, IP filter component should not be used with "
         "user or clientId filter component."),
    ],
)  # fmt: skip
def test_filters_that_are_refused(
    client: RawClient, components: list[tuple[str, int]], code: ErrorCode, message: str
) -> None:
    request = dcq.DescribeClientQuotasRequest(
        components=[dcq.ComponentData(entity_type=kind, match_type=how) for kind, how in components]
    )
    answer = client.ask(ApiKey.DESCRIBE_CLIENT_QUOTAS, 1, request)
    assert (answer.error_code, answer.error_message, answer.entries) == (code, message, None)


def test_credentials(client: RawClient) -> None:
    def alter(*changes: tuple[str, int, int | None]) -> dict[str, Answer]:
        request = ausc.AlterUserScramCredentialsRequest(
            deletions=[
                ausc.ScramCredentialDeletion(name=name, mechanism=mechanism)
                for name, mechanism, iterations in changes
                if iterations is None
            ],
            upsertions=[
                ausc.ScramCredentialUpsertion(
                    name=name,
                    mechanism=mechanism,
                    iterations=iterations,
                    salt=b"salt",
                    salted_password=b"salted password",
                )
                for name, mechanism, iterations in changes
                if iterations is not None
            ],
        )
        answer = client.ask(ApiKey.ALTER_USER_SCRAM_CREDENTIALS, 0, request)
        return {each.user: (E(each.error_code), each.error_message) for each in answer.results}

    def users(*names: str) -> dict[str, tuple[Answer, list[tuple[int, int]]]]:
        asked = [dusc.UserName(name=name) for name in names]
        request = dusc.DescribeUserScramCredentialsRequest(users=asked)
        answer = client.ask(ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS, 0, request)
        return {
            each.user: (
                (E(each.error_code), each.error_message),
                [(info.mechanism, info.iterations) for info in each.credential_infos],
            )
            for each in answer.results
        }

    twice = "A user credential cannot be altered twice in the same request"
    missing = "Attempt to delete a user credential that does not exist"
    assert alter(
        ("alice", 1, 4096), ("alice", 2, 8192), ("", 1, 4096), ("b", 9, 4096), ("c", 1, 4095),
        ("d", 1, 16385), ("e", 1, None), ("f", 1, None), ("f", 1, 4096),
    ) == {
        "alice": (E.NONE, ""),
        "": (E.UNACCEPTABLE_CREDENTIAL, "Username must not be empty"),
        "b": (E.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism"),
        "c": (E.UNACCEPTABLE_CREDENTIAL, "Too few iterations"),
        "d": (E.UNACCEPTABLE_CREDENTIAL, "Too many iterations"),
        "e": (E.RESOURCE_NOT_FOUND, missing),
        "f": (E.DUPLICATE_RESOURCE, twice),
    }  # fmt: skip
    unknown = "Attempt to describe a user credential that does not exist: "
    repeated = "Cannot describe SCRAM credentials for the same user twice in a single request: "
    assert users() == {"alice": ((E.NONE, ""), [(1, 4096), (2, 8192)])}
    assert users("alice", "nobody", "bob", "bob", "") == {
        "alice": ((E.NONE, ""), [(1, 4096), (2, 8192)]),
        "nobody": ((E.RESOURCE_NOT_FOUND, unknown + "nobody"), []),
        "bob": ((E.DUPLICATE_RESOURCE, repeated + "bob"), []),
        "": ((E.RESOURCE_NOT_FOUND, "Username must not be empty"), []),
    }
    assert alter(("alice", 1, None), ("alice", 2, None)) == {"alice": (E.NONE, "")}
    assert users() == {}
