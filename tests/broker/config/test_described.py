"""Values with their sources: who said it, and what is hidden."""

from broker.config import BrokerConfig
from broker.config.described import Described, Source, describe_broker, describe_topic
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import TOPIC_PROPERTIES


def config(properties: dict[str, str] | None = None) -> BrokerConfig:
    return BrokerConfig.from_properties({"zookeeper.connect": "zk:2181"} | (properties or {}))


def of_broker(name: str, properties: dict[str, str]) -> Described:
    described = {entry.name: entry for entry in describe_broker(config(properties))}
    return described[name]


def of_topic(name: str, overrides: dict[str, str], properties: dict[str, str]) -> Described:
    described = {entry.name: entry for entry in describe_topic(config(properties), overrides)}
    return described[name]


def sources(entry: Described) -> list[tuple[str, str | None, Source]]:
    return [(synonym.name, synonym.value, synonym.source) for synonym in entry.synonyms]


def test_all_documented_names_are_described() -> None:
    names = {entry.name for entry in describe_broker(config())}
    assert names == {row.name for row in BROKER_PROPERTIES.values() if not row.internal}
    assert {entry.name for entry in describe_topic(config(), {})} == set(TOPIC_PROPERTIES)


def test_what_the_file_says_stands_before_the_default() -> None:
    entry = of_broker("num.partitions", {"num.partitions": "+3"})
    assert entry.value == "3"
    assert entry.source is Source.STATIC_BROKER
    assert sources(entry) == [
        ("num.partitions", "+3", Source.STATIC_BROKER),
        ("num.partitions", "1", Source.DEFAULT),
    ]


def test_null_has_no_synonym() -> None:
    entry = of_broker("broker.rack", {})
    assert (entry.value, entry.source, sources(entry)) == (None, Source.DEFAULT, [])


def test_secrets_and_unknown_names_show_no_value() -> None:
    secret = of_broker("ssl.key.password", {"ssl.key.password": "hunter2"})
    assert secret.is_sensitive
    assert (secret.value, sources(secret)) == (
        None,
        [("ssl.key.password", None, Source.STATIC_BROKER)],
    )
    unknown = of_broker("my.setting", {"my.setting": "x"})
    assert (unknown.value, unknown.is_sensitive, unknown.type) == (None, True, 0)


def test_a_listeners_own_setting_has_the_type_behind_its_prefix() -> None:
    name = "listener.name.inside.ssl.client.auth"
    entry = of_broker(name, {name: "required", "ssl.client.auth": "none"})
    assert entry.value == "required"
    assert sources(entry) == [
        (name, "required", Source.STATIC_BROKER),
        ("ssl.client.auth", "none", Source.STATIC_BROKER),
        ("ssl.client.auth", "none", Source.DEFAULT),
    ]
    secret = "listener.name.inside.ssl.key.password"
    assert of_broker(secret, {secret: "hunter2"}).value is None


def test_an_internal_name_is_shown_when_it_is_set() -> None:
    name = "log.initial.task.delay.ms"
    assert of_broker(name, {name: "5"}).value == "5"


def test_a_topics_override_stands_before_the_brokers_words() -> None:
    entry = of_topic("segment.bytes", {"segment.bytes": "100"}, {"log.segment.bytes": "200"})
    assert entry.value == "100"
    assert sources(entry) == [
        ("segment.bytes", "100", Source.TOPIC),
        ("log.segment.bytes", "200", Source.STATIC_BROKER),
        ("log.segment.bytes", "1073741824", Source.DEFAULT),
    ]


def test_a_coarser_unit_counts_but_is_called_a_default() -> None:
    entry = of_topic("retention.ms", {}, {"log.retention.minutes": "10"})
    assert (entry.value, entry.source, sources(entry)) == ("600000", Source.DEFAULT, [])


def test_a_topic_config_that_the_broker_uses_in_no_other_way() -> None:
    entry = of_topic("compression.gzip.level", {}, {"compression.gzip.level": "7"})
    assert entry.value == "7"


def test_a_name_that_is_no_topic_config_is_shown_without_its_value() -> None:
    entry = of_topic("a.name.of.tomorrow", {"a.name.of.tomorrow": "x"}, {})
    assert (entry.value, entry.is_sensitive, entry.source) == (None, True, Source.TOPIC)
