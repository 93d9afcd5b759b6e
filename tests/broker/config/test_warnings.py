"""Names that will have no effect are said so, once each kind."""

from broker.config.warnings import names_without_effect, warning_lines


def test_kafkas_own_sample_file_is_understood() -> None:
    names = [
        "broker.id",
        "num.network.threads",
        "log.dirs",
        "zookeeper.connect",
        "log.retention.hours",
    ]
    assert names_without_effect(names) == (["num.network.threads"], [])


def test_unknown_names_are_told_apart_from_unused_ones() -> None:
    assert warning_lines(["num.partitons", "broker.id", "num.io.threads", "process.role"]) == [
        "recognised, but not in use by zbroker: num.io.threads",
        "unknown to Kafka 3.9 and to zbroker, ignored: num.partitons, process.role",
    ]


def test_nothing_to_say() -> None:
    own = "listener.name.inside."
    rate, most = f"{own}max.connection.creation.rate", f"{own}max.connections"
    assert warning_lines(["broker.id", "log.dirs", "node.id", rate, most]) == []


def test_a_listeners_own_settings_and_those_of_plug_ins_are_known() -> None:
    names = [
        "listener.name.inside.ssl.keystore.location",
        "listener.name.inside.scram-sha-256.sasl.jaas.config",
        "config.providers",
        "config.providers.vault.class",
        "rsm.config.bucket",
    ]
    assert names_without_effect(names) == (sorted(names), [])
    assert names_without_effect(["listener.name.inside.ssl.keystore.loction"])[1]
