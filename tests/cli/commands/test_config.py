"""`config` against canned answers. On a cluster, and beside Kafka's tool: tests/interop."""

from pathlib import Path

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    ResponseEntryData,
)
from broker.wire.messages.describe_client_quotas import (
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    EntryData,
    ValueData,
)
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from broker.wire.messages.incremental_alter_configs import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from cli.commands.config.changes import parse_added
from tests.cli.commands.canned import Canned, invoke, topic

SET, DELETE = 0, 1


@pytest.fixture(autouse=True)
def settings(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1], [1]))]
    canned.configs = {
        "orders": [("retention.ms", "7", 1), ("cleanup.policy", "delete", 5)],
        "1": [("log.cleaner.threads", "2", 2), ("broker.id", "1", 4)],
        "": [("log.retention.ms", "9", 3)],
    }


def test_describe_shows_what_was_set(canned: Canned) -> None:
    dynamic = canned.admin("config", "describe", "--topic", "orders").stdout
    assert dynamic == (
        "Dynamic configs for topic orders are:\n"
        "  retention.ms=7 sensitive=false synonyms={}\n"
    )  # fmt: skip
    everything = canned.admin("config", "describe", "--topic", "orders", "--all").stdout
    assert everything.splitlines()[0] == "All configs for topic orders are:"
    assert [line.split("=")[0] for line in everything.splitlines()[1:]] == [
        "  cleanup.policy",
        "  retention.ms",
    ]


def test_describe_a_broker_its_loggers_and_all_of_a_type(canned: Canned) -> None:
    assert "log.cleaner.threads" in canned.admin("config", "describe", "--broker", "1").stdout
    (request,) = canned.asked(DescribeConfigsRequest)
    assert (request.resources[0].resource_type, request.resources[0].resource_name) == (4, "1")
    assert request.include_synonyms
    everything = canned.admin("config", "describe", "--entity-type", "brokers").stdout
    assert [line for line in everything.splitlines() if line.endswith("are:")] == [
        "Dynamic configs for broker 1 are:",
        "Default configs for brokers in the cluster are:",
    ]
    logger = canned.admin("config", "describe", "--broker-logger", "1")
    assert logger.stdout.startswith("Dynamic configs for broker-logger 1 are:\n")
    gone = canned.admin("config", "describe", "--broker", "9")
    assert (gone.exit_code, gone.stderr) == (1, "Error: broker 9: BROKER_NOT_AVAILABLE\n")


def test_secrets_and_synonyms(canned: Canned) -> None:
    config = DescribeConfigsResourceResult(
        name="ssl.key.password",
        value=None,
        config_source=2,
        is_sensitive=True,
        synonyms=[DescribeConfigsSynonym(name="ssl.key.password", value=None, source=2)],
    )
    result = DescribeConfigsResult(resource_type=4, resource_name="1", configs=[config])
    canned.answers(DescribeConfigsRequest, DescribeConfigsResponse(results=[result]))
    assert canned.admin("config", "describe", "--broker", "1").stdout.splitlines()[1] == (
        "  ssl.key.password=null sensitive=true "
        "synonyms={DYNAMIC_BROKER_CONFIG:ssl.key.password=null}"
    )
    facts = canned.facts("config", "describe", "--broker", "1")["resources"][0]
    assert facts["configs"][0]["value"] is None
    assert facts["configs"][0]["synonyms"][0]["source"] == "DYNAMIC_BROKER_CONFIG"


def test_a_topic_that_is_not_there(canned: Canned) -> None:
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    result = DescribeConfigsResult(error_code=unknown, resource_type=2, resource_name="no")
    canned.answers(DescribeConfigsRequest, DescribeConfigsResponse(results=[result]))
    refused = canned.admin("config", "describe", "--topic", "no")
    assert (refused.exit_code, refused.stderr) == (1, "Error: no topic 'no'\n")


def quotas(*entries: tuple[dict[str, str | None], dict[str, float]]) -> object:
    return DescribeClientQuotasResponse(
        entries=[
            EntryData(
                entity=[EntityData(entity_type=k, entity_name=v) for k, v in entity.items()],
                values=[ValueData(key=k, value=v) for k, v in values.items()],
            )
            for entity, values in entries
        ]
    )


def test_describe_quotas(canned: Canned) -> None:
    canned.answers(
        DescribeClientQuotasRequest,
        quotas(
            ({"client-id": "app", "user": "alice"}, {"producer_byte_rate": 1024.0}),
            ({"user": None}, {"b": 2.5, "a": 1.0}),
        ),
    )
    assert canned.admin("config", "describe", "--user", "alice", "--client", "app").stdout == (
        "Quota configs for user-principal 'alice', client-id 'app' are producer_byte_rate=1024.0\n"
        "Quota configs for the default user-principal are a=1.0, b=2.5\n"
    )
    (request,) = canned.asked(DescribeClientQuotasRequest)
    assert [(c.entity_type, c.match_type, c.match) for c in request.components] == [
        ("user", 0, "alice"),
        ("client-id", 0, "app"),
    ]
    assert request.strict
    facts = canned.facts("config", "describe", "--ip-defaults")
    assert facts["quotas"][1] == {
        "entity": [{"type": "user", "name": None}],
        "configs": {"a": 1.0, "b": 2.5},
    }
    canned.admin("config", "describe", "--entity-type", "clients")
    last = canned.asked(DescribeClientQuotasRequest)[-1]
    assert [(c.entity_type, c.match_type) for c in last.components] == [("client-id", 2)]


def test_quota_describe(canned: Canned) -> None:
    canned.answers(
        DescribeClientQuotasRequest,
        quotas(
            ({"client-id": "app", "user": "alice"}, {"producer_byte_rate": 1024.0}),
            ({"ip": None}, {"connection_creation_rate": 2.0}),
        ),
    )
    assert canned.admin("quota", "describe").stdout == (
        "Quota configs for user-principal 'alice', client-id 'app' are producer_byte_rate=1024.0\n"
        "Quota configs for the default ip are connection_creation_rate=2.0\n"
    )
    (everything,) = canned.asked(DescribeClientQuotasRequest)
    assert (everything.components, everything.strict) == ([], False)
    assert canned.admin("quota", "describe", "--user", "alice", "-o", "name").stdout == (
        "user 'alice', client-id 'app'\nthe default ip\n"
    )
    one = canned.asked(DescribeClientQuotasRequest)[-1]
    assert ([c.entity_type for c in one.components], one.strict) == (["user"], True)
    facts = canned.facts("quota", "describe")
    assert facts["quotas"][1] == {
        "entity": [{"type": "ip", "name": None}],
        "configs": {"connection_creation_rate": 2.0},
    }


def altered(code: ErrorCode = ErrorCode.NONE, message: str | None = None) -> object:
    return lambda request: IncrementalAlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                resource_type=each.resource_type,
                resource_name=each.resource_name,
                error_code=code,
                error_message=message,
            )
            for each in request.resources
        ]
    )


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        (["--topic", "orders"], "config for topic orders."),
        (["--broker", "1"], "config for broker 1."),
        (["--broker-defaults"], "default config for brokers in the cluster."),
        (["--broker-logger", "1"], "config for broker-logger 1."),
    ],
)
def test_alter_settings(canned: Canned, entity: list[str], words: str) -> None:
    canned.answers(IncrementalAlterConfigsRequest, altered())
    done = canned.admin(
        "config", "alter", *entity, "--add-config", "a=1,cleanup.policy=[compact,delete],empty="
    )
    assert done.stdout == f"Completed updating {words}\n"
    (request,) = canned.asked(IncrementalAlterConfigsRequest)
    assert [(c.name, c.config_operation, c.value) for c in request.resources[0].configs] == [
        ("a", SET, "1"),
        ("cleanup.policy", SET, "compact,delete"),
        ("empty", SET, ""),
    ]


def test_what_is_deleted_must_be_set(canned: Canned) -> None:
    canned.answers(IncrementalAlterConfigsRequest, altered())
    facts = canned.facts("config", "alter", "--topic", "orders", "--delete-config", "retention.ms")
    assert facts["entities"][0]["deleted"] == ["retention.ms"]
    (request,) = canned.asked(IncrementalAlterConfigsRequest)
    assert request.resources[0].configs[0].config_operation == DELETE
    refused = canned.admin(
        "config", "alter", "--topic", "orders", "--delete-config", "retention.ms,cleanup.policy"
    )
    assert (refused.exit_code, refused.stderr) == (1, "Error: not set here: cleanup.policy\n")
    assert len(canned.asked(IncrementalAlterConfigsRequest)) == 1


def test_a_refused_change(canned: Canned) -> None:
    canned.answers(
        IncrementalAlterConfigsRequest, altered(ErrorCode.INVALID_CONFIG, "no number: x")
    )
    change = ("config", "alter", "--topic", "orders", "--add-config", "retention.ms=x")
    refused = canned.admin(*change)
    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert refused.stderr == "Error: topic 'orders': INVALID_CONFIG: no number: x\n"
    assert canned.facts(*change, exit_code=1)["entities"][0]["error"] == "INVALID_CONFIG"


def test_settings_from_a_file(canned: Canned, tmp_path: Path) -> None:
    canned.answers(IncrementalAlterConfigsRequest, altered())
    file = tmp_path / "new.properties"
    file.write_text("# two\nretention.ms = 1\ncleanup.policy: compact\n")
    change = ("config", "alter", "--topic", "orders", "--add-config-file", str(file))
    assert canned.facts(*change)["entities"][0]["set"] == {
        "retention.ms": "1",
        "cleanup.policy": "compact",
    }


def test_alter_quotas(canned: Canned) -> None:
    canned.answers(
        DescribeClientQuotasRequest, quotas(({"user": "alice"}, {"consumer_byte_rate": 1.0}))
    )
    canned.answers(
        AlterClientQuotasRequest, AlterClientQuotasResponse(entries=[ResponseEntryData()])
    )
    done = canned.admin(
        "config", "alter", "--user", "alice",
        "--add-config", "producer_byte_rate=1024", "--delete-config", "consumer_byte_rate",
    )  # fmt: skip
    assert done.stdout == "Completed updating config for user alice.\n"
    (request,) = canned.asked(AlterClientQuotasRequest)
    (entry,) = request.entries
    assert [(e.entity_type, e.entity_name) for e in entry.entity] == [("user", "alice")]
    assert [(op.key, op.value, op.remove) for op in entry.ops] == [
        ("producer_byte_rate", 1024.0, False),
        ("consumer_byte_rate", 0.0, True),
    ]
    again = canned.admin("quota", "alter", "--user", "alice", "--add-config", "a=1")
    assert again.stdout == done.stdout
    default = canned.admin("config", "alter", "--client-defaults", "--add-config", "a=1")
    assert default.stdout == "Completed updating default config for clients in the cluster.\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("describe",), "give an entity such as"),
        (("describe", "--topic", "t", "--entity-type", "topics"), "give an entity such as"),
        (("describe", "--topic", "t", "--broker", "1"), "one entity only"),
        (("describe", "--user", "u", "--ip", "::1"), "one entity only"),
        (("describe", "--user", "u", "--user-defaults"), "give a name, or the default"),
        (("alter", "--add-config", "a=1"), "give the entity"),
        (("alter", "--topic", "t"), "give --add-config"),
        (("alter", "--topic", "t", "--add-config", "a"), "'a' is not KEY=VALUE"),
        (("alter", "--topic", "t", "--add-config", "a b=1"), "is not the name of a setting"),
        (("alter", "--topic", "t", "--add-config", "a=1", "--delete-config", "a"), "both set"),
        (("alter", "--user", "u", "--add-config", "a=x"), "a quota is a number"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke("config", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("describe", "--topic", "t"), "No such option '--topic'"),
        (("describe", "--user", "u", "--ip", "::1"), "one entity only"),
        (("alter", "--add-config", "a=1"), "give the entity"),
        (("alter", "--user", "u"), "give --add-config"),
        (("alter", "--user", "u", "--add-config", "a=x"), "a quota is a number"),
    ],
)
def test_wrong_usage_of_quotas(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke("quota", *arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]


def test_lists_in_brackets() -> None:
    assert parse_added(["a=[1,2],b=3", "c=x=y"]) == {"a": "1,2", "b": "3", "c": "x=y"}
