"""Every document against the values of a real Kafka 3.9.1 ensemble, and against garbage."""

import json
import uuid
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination import znodes
from coordination.store import Node, Stat
from coordination.values import (
    BrokerRegistration,
    Endpoint,
    LeaderAndIsr,
    LeaderRecoveryState,
    PartitionAssignment,
    TopicAssignment,
    TopicPartition,
)
from coordination.znodes import paths

ORDERS_0 = TopicPartition("orders", 0)
ORDERS_ID = uuid.UUID("7b0dc344-0f1a-4a9a-a3d9-9711b4ecf1c9")


def node(text: str | bytes, *, czxid: int = 101, version: int = 1) -> Node:
    data = text.encode() if isinstance(text, str) else text
    stat = Stat(czxid, czxid, version, 0, 0, 0, len(data), 0, 0)
    return Node(data, stat)


def plaintext(host: str, port: int) -> Endpoint:
    return Endpoint("PLAINTEXT", "PLAINTEXT", host, port)


# What stood in a real ensemble: text, value, decode, encode
REAL = {
    "broker": (
        '{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},'
        '"endpoints":["PLAINTEXT://127.0.0.1:29091"],"rack":"r1","jmx_port":-1,"port":29091,'
        '"host":"127.0.0.1","version":5,"timestamp":"1795332306538"}',
        BrokerRegistration(
            1,
            (plaintext("127.0.0.1", 29091),),
            rack="r1",
            timestamp_ms=1795332306538,
            epoch=101,
        ),
        lambda found: znodes.decode_broker(1, found),
        znodes.encode_broker,
    ),
    "topic": (
        '{"partitions":{"0":[2,3,1],"1":[3,1,2]},"topic_id":"ew3DRA8aSpqj2ZcRtOzxyQ",'
        '"adding_replicas":{},"removing_replicas":{},"version":3}',
        TopicAssignment(
            "orders",
            ORDERS_ID,
            {0: PartitionAssignment((2, 3, 1)), 1: PartitionAssignment((3, 1, 2))},
        ),
        lambda found: znodes.decode_topic("orders", found),
        znodes.encode_topic,
    ),
    "partition state": (
        '{"controller_epoch":1,"leader":2,"version":1,"leader_epoch":0,"isr":[2,3,1]}',
        LeaderAndIsr(2, 0, (2, 3, 1), controller_epoch=1, partition_epoch=1),
        lambda found: znodes.decode_partition_state(ORDERS_0, found),
        znodes.encode_partition_state,
    ),
    "reassignment": (
        '{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[1,2]}]}',
        {ORDERS_0: (1, 2)},
        znodes.decode_reassignment,
        znodes.encode_reassignment,
    ),
    "preferred replica election": (
        '{"version":1,"partitions":[{"topic":"orders","partition":0}]}',
        {ORDERS_0},
        znodes.decode_preferred_replica_election,
        znodes.encode_preferred_replica_election,
    ),
    "cluster id": (
        '{"version":"1","id":"TWGlyXDDRxCWNF1TU93F7w"}',
        "TWGlyXDDRxCWNF1TU93F7w",
        znodes.decode_cluster_id,
        znodes.encode_cluster_id,
    ),
    "controller": (
        '{"version":2,"brokerid":3,"timestamp":"1795332305804","kraftControllerEpoch":-1}',
        znodes.Controller(3, 1795332305804),
        znodes.decode_controller,
        znodes.encode_controller,
    ),
    "controller epoch": (
        "1",
        1,
        znodes.decode_controller_epoch,
        znodes.encode_controller_epoch,
    ),
    "feature": (
        '{"features":{},"version":2,"status":1}',
        znodes.Feature(enabled=True),
        znodes.decode_feature,
        znodes.encode_feature,
    ),
    "producer id block": (
        '{"version":1,"broker":1,"block_start":"1000","block_end":"1999"}',
        znodes.ProducerIdBlock(1, 1000, 1999),
        znodes.decode_producer_id_block,
        znodes.encode_producer_id_block,
    ),
    "config": (
        '{"version":1,"config":{"cleanup.policy":"compact","retention.ms":"1000000"}}',
        {"cleanup.policy": "compact", "retention.ms": "1000000"},
        lambda found: znodes.decode_config("topics/orders", found),
        znodes.encode_config,
    ),
    "config change": (
        '{"version":2,"entity_path":"users/alice/clients/app"}',
        "users/alice/clients/app",
        lambda found: znodes.decode_config_change(f"{paths.CONFIG_CHANGE_PREFIX}0", found),
        znodes.encode_config_change,
    ),
    "isr change": (
        '{"version":1,"partitions":[{"topic":"orders","partition":0}]}',
        {ORDERS_0},
        lambda found: znodes.decode_isr_change(f"{paths.ISR_CHANGE_PREFIX}0", found),
        znodes.encode_isr_change,
    ),
    "log dir event": (
        '{"version":1,"broker":2,"event":1}',
        2,
        lambda found: znodes.decode_log_dir_event(f"{paths.LOG_DIR_EVENT_PREFIX}0", found),
        znodes.encode_log_dir_event,
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_reads_and_writes_what_kafka_wrote(name: str) -> None:
    text, value, decode, encode = REAL[name]
    assert decode(node(text)) == value
    # Type by type: True == 1 and "1" == "1" would not tell; the canonical text does
    canonical = json.dumps(json.loads(text), sort_keys=True)
    assert json.dumps(json.loads(encode(value)), sort_keys=True) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "[]",
        "null",
        "{}",
        " 1",
        "1_000",
        '"text"',
        '{"version":"one"}',
        b"\xff\xfe",
        "[" * 100_000,
    ],
)
@pytest.mark.parametrize("name", REAL)
def test_garbage_is_a_bad_znode(name: str, text: str | bytes) -> None:
    if not text and name in ("config", "producer id block"):
        return  # where empty means nothing yet
    _, _, decode, _ = REAL[name]
    with pytest.raises(znodes.BadZnode) as caught:
        decode(node(text))
    assert caught.value.path.startswith("/")
    assert "\n" not in caught.value.why


def test_a_finalized_feature() -> None:
    feature = znodes.Feature(enabled=True, features={"f": 3})
    assert json.loads(znodes.encode_feature(feature))["features"] == {"f": {"max_version_level": 3}}
    assert znodes.decode_feature(node(znodes.encode_feature(feature))) == feature
    older = (
        '{"version":1,"status":1,"features":{"f":{"min_version_level":2,"max_version_level":3}}}'
    )
    assert znodes.decode_feature(node(older)) == znodes.Feature(True, {"f": 3}, version=1)


@pytest.mark.parametrize(
    "features",
    [
        '"features":{"f":3}',
        '"features":{"f":{}}',
        '"features":{"f":{"max_version_level":0}}',
        '"features":{"f":{"max_version_level":32768}}',
        '"features":[]',
        '"nothing":0',
    ],
)
def test_bad_features(features: str) -> None:
    with pytest.raises(znodes.BadZnode, match="/feature"):
        znodes.decode_feature(node(f'{{"version":2,"status":1,{features}}}'))


@pytest.mark.parametrize(
    "text",
    [
        '{"version":1,"leader":2147483648,"leader_epoch":0,"isr":[2],"controller_epoch":1}',
        '{"version":1,"leader":2,"leader_epoch":-2147483649,"isr":[2],"controller_epoch":1}',
        '{"version":1,"leader":2,"leader_epoch":0,"isr":[99999999999],"controller_epoch":1}',
        '{"version":1,"leader":2,"leader_epoch":0,"isr":[2],"controller_epoch":1e3}',
    ],
)
def test_a_number_must_fit_into_what_brokers_are_sent(text: str) -> None:
    with pytest.raises(znodes.BadZnode, match="32 bits"):
        znodes.decode_partition_state(ORDERS_0, node(text))


@pytest.mark.parametrize(
    "text",
    [
        rb'{"version":1,"config":{"a":"\ud800"}}',
        b'{"version":1,"config":{"a":"\xed\xa0\x80"}}',
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_half_a_character_is_not_text(text: bytes) -> None:
    with pytest.raises(znodes.BadZnode, match="/config/topics/orders: not JSON"):
        znodes.decode_config("topics/orders", node(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.long
@pytest.mark.parametrize("name", REAL)
@settings(max_examples=30)
@given(data=st.data())
def test_one_wrong_field_is_a_bad_znode_or_does_not_matter(name: str, data: st.DataObject) -> None:
    text, _, decode, _ = REAL[name]
    document = json.loads(text)
    if not isinstance(document, dict):
        return
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(JSON)
    with suppress(znodes.BadZnode):  # any other error fails the test
        decode(node(json.dumps(document)))


def test_stats_are_part_of_the_value() -> None:
    text, *_ = REAL["partition state"]
    assert znodes.decode_partition_state(ORDERS_0, node(text, version=7)).partition_epoch == 7
    text, *_ = REAL["broker"]
    assert znodes.decode_broker(1, node(text, czxid=55)).epoch == 55


@pytest.mark.parametrize(
    ("text", "endpoints", "rack"),
    [
        (
            '{"version":1,"host":"h","port":9092,"jmx_port":9999,"timestamp":"2233345666"}',
            (plaintext("h", 9092),),
            None,
        ),
        (
            '{"version":2,"host":"h","port":9092,"jmx_port":9999,"timestamp":"2233345666",'
            '"endpoints":["PLAINTEXT://h:9092","SSL://h:9093"]}',
            (plaintext("h", 9092), Endpoint("SSL", "SSL", "h", 9093)),
            None,
        ),
        (
            '{"version":3,"host":"h","port":9092,"jmx_port":9999,"timestamp":"2233345666",'
            '"endpoints":["PLAINTEXT://h:9092"],"rack":"dc1"}',
            (plaintext("h", 9092),),
            "dc1",
        ),
        (
            '{"version":4,"host":null,"port":-1,"jmx_port":9999,"timestamp":"2233345666",'
            '"endpoints":["CLIENT://[::1]:9092","REPLICATION://:9093"],"rack":null,'
            '"listener_security_protocol_map":{"CLIENT":"SSL","REPLICATION":"PLAINTEXT"}}',
            (
                Endpoint("CLIENT", "SSL", "::1", 9092),
                Endpoint("REPLICATION", "PLAINTEXT", "", 9093),
            ),
            None,
        ),
    ],
)
def test_older_registrations(text: str, endpoints: tuple[Endpoint, ...], rack: str | None) -> None:
    broker = znodes.decode_broker(1, node(text))
    assert (broker.endpoints, broker.rack) == (endpoints, rack)


def test_a_broker_without_plaintext_has_no_host_for_old_clients() -> None:
    endpoint = Endpoint("CLIENT", "SSL", "::1", 9092)
    broker = BrokerRegistration(1, (endpoint,), features={"f": {"min_version": 1}}, epoch=101)
    document = json.loads(znodes.encode_broker(broker))
    assert (document["host"], document["port"]) == (None, -1)
    assert document["endpoints"] == ["CLIENT://[::1]:9092"]
    assert "rack" not in document
    assert znodes.decode_broker(1, node(znodes.encode_broker(broker))) == broker


@pytest.mark.parametrize(
    ("endpoints", "why"),
    [
        ('["PLAINTEXT:h:1"]', "expected LISTENER://host:port, found 'PLAINTEXT:h:1'"),
        ('["OTHER://h:1"]', "no entry for listener OTHER"),
        ("[1]", "endpoints: expected a list of strings, found [1]"),
        ('["PLAINTEXT://h:65536"]', "no port has the number in 'PLAINTEXT://h:65536'"),
        ('["PLAINTEXT://h:999999"]', "expected LISTENER://host:port"),
    ],
)
def test_a_bad_endpoint(endpoints: str, why: str) -> None:
    text = (
        f'{{"version":5,"endpoints":{endpoints},'
        '"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"}}'
    )
    with pytest.raises(znodes.BadZnode) as caught:
        znodes.decode_broker(1, node(text))
    assert str(caught.value).startswith("bad znode /brokers/ids/1: ")
    assert why in caught.value.why


def test_a_topic_under_reassignment() -> None:
    topic = TopicAssignment(
        "orders",
        ORDERS_ID,
        {
            0: PartitionAssignment((1, 2, 3), adding=(3,), removing=(1,)),
            1: PartitionAssignment((1, 2)),
        },
    )
    document = json.loads(znodes.encode_topic(topic))
    assert document["adding_replicas"] == {"0": [3]}
    assert document["removing_replicas"] == {"0": [1]}
    assert znodes.decode_topic("orders", node(znodes.encode_topic(topic))) == topic


@pytest.mark.parametrize(
    "text",
    [
        '{"version":1,"partitions":{"0":[1]}}',
        '{"version":2,"partitions":{"0":[1]},"adding_replicas":{},"removing_replicas":{}}',
        '{"partitions":{"0":[1]}}',
    ],
)
def test_older_topics_have_no_id(text: str) -> None:
    topic = znodes.decode_topic("orders", node(text))
    assert topic == TopicAssignment("orders", None, {0: PartitionAssignment((1,))})


@pytest.mark.parametrize(
    "text",
    [
        '{"version":3,"partitions":{"x":[1]}}',
        '{"version":3,"partitions":{"-1":[1]}}',
        '{"version":3,"partitions":{"0":["1"]}}',
        '{"version":3,"partitions":{"0":[true]}}',
        '{"version":3,"partitions":{},"topic_id":"short"}',
        '{"version":3,"partitions":{},"topic_id":"ew3DRA8aSpqj2ZcRtOzx+Q"}',
    ],
)
def test_bad_topics(text: str) -> None:
    with pytest.raises(znodes.BadZnode, match="/brokers/topics/orders"):
        znodes.decode_topic("orders", node(text))


@given(st.uuids())
def test_topic_ids_round_trip(topic_id: uuid.UUID) -> None:
    text = znodes.topic_id_text(topic_id)
    assert len(text) == 22
    assert znodes.topic_id_from_text(text) == topic_id


def test_where_empty_means_nothing_yet() -> None:
    assert znodes.decode_producer_id_block(node("")) is None
    assert znodes.decode_config("topics/orders", node("")) == {}


@pytest.mark.parametrize("entity_path", ["topics/..", "users/./clients/a", "topics/", "/", ""])
def test_a_config_change_of_what_can_be_no_znode(entity_path: str) -> None:
    """A ZooKeeper client refuses such a path before it asks."""
    with pytest.raises(znodes.BadZnode, match="no znode beneath /config"):
        znodes.decode_config_change(
            "/config/changes/x", node(znodes.encode_config_change(entity_path))
        )


def test_a_config_change_of_version_1() -> None:
    text = '{"version":1,"entity_type":"topics","entity_name":"orders"}'
    assert znodes.decode_config_change("/config/changes/x", node(text)) == "topics/orders"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (paths.broker(1), "/brokers/ids/1"),
        (paths.topic("orders"), "/brokers/topics/orders"),
        (paths.partitions("orders"), "/brokers/topics/orders/partitions"),
        (paths.partition(ORDERS_0), "/brokers/topics/orders/partitions/0"),
        (paths.partition_state(ORDERS_0), "/brokers/topics/orders/partitions/0/state"),
        (paths.consumer_offset("g", ORDERS_0), "/consumers/g/offsets/orders/0"),
        (paths.delete_topic("orders"), "/admin/delete_topics/orders"),
        (paths.config(paths.topic_entity("orders")), "/config/topics/orders"),
        (paths.config(paths.broker_entity(1)), "/config/brokers/1"),
        (paths.config(paths.broker_entity(None)), "/config/brokers/<default>"),
    ],
)
def test_paths(path: str, text: str) -> None:
    assert path == text


def test_an_uncleanly_elected_leader_is_marked_as_recovering() -> None:
    """As TopicPartitionStateZNode writes it: a field that is there only then (KIP-704)."""
    state = LeaderAndIsr(2, 1, (2,), 1, 1, LeaderRecoveryState.RECOVERING)
    text = znodes.encode_partition_state(state)
    assert json.loads(text)["leader_recovery_state"] == 1
    assert znodes.decode_partition_state(ORDERS_0, node(text)) == state
    with pytest.raises(znodes.BadZnode, match="leader_recovery_state: expected 0 or 1, found 2"):
        znodes.decode_partition_state(ORDERS_0, node(text.replace(b'_state":1', b'_state":2')))


def test_names() -> None:
    assert paths.name_of("/brokers/topics/orders") == "orders"
