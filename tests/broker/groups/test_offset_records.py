"""Our records are byte for byte those of a real Kafka 3.9.1, and its tools read our log."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from broker.groups.committed_offsets import CommittedOffset
from broker.groups.group import Group
from broker.groups.leaving import LeavingMember
from broker.groups.offset_records import (
    GROUP_VALUE_VERSION,
    LARGEST_GENERATION,
    group_record,
    group_tombstone,
    offset_record,
    offset_tombstone,
    read_group,
    read_key,
    read_offset,
)
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.offsets_topic import (
    GroupMetadataKey,
    GroupMetadataValue,
    MemberMetadata,
    OffsetCommitKey,
)
from broker.wire.record_batch import batches
from broker.wire.records import Record
from broker.wire.versioned import encode_versioned
from coordination.values import TopicPartition
from tests.broker.groups.support import MemoryLog, running_coordinator, stable_group
from tests.broker.groups.test_conversation import hold_conversation
from tests.broker.groups.test_offsets import commit_of
from tests.support.cluster import running_cluster
from tests.support.kafka import kafka_tool

# (key, value) as a real 3.9.1 in ZooKeeper mode wrote them.
REAL = {
    "offset": (
        "00010000000c636f6e766572736174696f6e00000000",
        "000300000000000000050000000300046e6f7465000001a2030733eb",
    ),
    "offset with an expiry time": (
        "00010003636732000c636f6e766572736174696f6e00000000",
        "0001000000000000006500046e6f7465000001a2030733db000001a20316761b",
    ),
    "offset removed": ("00010000000c636f6e766572736174696f6e00000000", None),
    "group": (
        "00020012636f6e766572736174696f6e2d67726f7570",
        "00030008636f6e73756d657200000001000572616e6765002b74616c6b65722d35376466656438622d323066"
        "632d346638332d393134342d656463343138393136306361000001a20306a8ee00000001002b74616c6b6572"
        "2d35376466656438622d323066632d346638332d393134342d656463343138393136306361ffff000674616c"
        "6b6572000a2f3132372e302e302e31000075300000753000000018000000000001000c636f6e766572736174"
        "696f6effffffff0000002e6f662074616c6b65722d35376466656438622d323066632d346638332d39313434"
        "2d656463343138393136306361",
    ),
    "group without members": (
        "00020012636f6e766572736174696f6e2d67726f7570",
        "00030008636f6e73756d657200000003ffffffff000001a2030725d800000000",
    ),
    "group removed": ("00020003636732", None),
}


def written_by_us(record: Record) -> Record:
    """Read a record, and write what it says."""
    assert record.key is not None
    key = read_key(record.key)
    at_ms = record.timestamp_ms
    if isinstance(key, OffsetCommitKey):
        partition = TopicPartition(key.topic, key.partition)
        if record.value is None:
            return offset_tombstone(key.group, partition, at_ms)
        return offset_record(key.group, partition, read_offset(record.value), at_ms)
    assert isinstance(key, GroupMetadataKey)
    if record.value is None:
        return group_tombstone(key.group, at_ms)
    group = read_group(key.group, record.value)
    assignment = {member.member_id: member.assignment for member in group.members.values()}
    return group_record(group, assignment, at_ms)


@pytest.mark.parametrize("name", REAL)
def test_what_kafka_wrote_we_write_alike(name: str) -> None:
    key, value = REAL[name]
    real = Record(bytes.fromhex(key), None if value is None else bytes.fromhex(value), 0)
    assert written_by_us(real) == real


def test_what_the_group_of_kafka_was() -> None:
    group = read_group("g", bytes.fromhex(REAL["group"][1] or ""))
    assert (group.state.value, group.generation, group.protocol_name) == ("Stable", 1, "range")
    [member] = group.members.values()
    assert (member.client_id, member.client_host) == ("talker", "/127.0.0.1")
    assert (member.session_timeout_ms, member.rebalance_timeout_ms) == (30_000, 30_000)
    assert group.subscribed_topics == {"conversation"}


def test_the_oldest_values_are_read_too() -> None:
    offset = bytes.fromhex("0000000000000000000900016d0000000000000064")
    assert read_offset(offset) == CommittedOffset(9, metadata="m", commit_timestamp_ms=100)
    group = bytes.fromhex(
        "0000"
        "0008636f6e73756d6572"
        "00000002"
        "0001"
        "72"
        "0001"
        "61"
        "00000001"
        "0001"
        "61"
        "0001"
        "63"
        "0001"
        "68"
        "00001388"
        "00000000"
        "00000000"
    )
    [member] = read_group("g", group).members.values()
    assert (member.session_timeout_ms, member.rebalance_timeout_ms) == (5_000, 5_000)
    assert read_group("g", group).state_since_ms is None


@pytest.mark.parametrize("value", [b"", b"\0", b"\0\x63", b"\0\3\0\0"])
def test_what_is_no_value_is_corrupt(value: bytes) -> None:
    for read in (read_offset, lambda data: read_group("g", data)):
        with pytest.raises(KafkaError) as refused:
            read(value)
        assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def member(member_id: str, instance_id: str | None = None) -> MemberMetadata:
    return MemberMetadata(member_id=member_id, group_instance_id=instance_id)


@pytest.mark.parametrize(
    ("members", "generation"),
    [
        ([member("a"), member("a")], 1),
        ([member("a", "i"), member("b", "i")], 1),
        ([], LARGEST_GENERATION),
    ],
    ids=["one member twice", "one instance twice", "no next generation"],
)
def test_a_group_that_cannot_be_is_corrupt(members: list[MemberMetadata], generation: int) -> None:
    group = GroupMetadataValue(protocol_type="consumer", generation=generation, members=members)
    with pytest.raises(KafkaError) as refused:
        read_group("g", encode_versioned(group, GROUP_VALUE_VERSION))
    assert refused.value.code is ErrorCode.CORRUPT_MESSAGE


def test_keys_of_later_kafkas_are_unknown() -> None:
    assert read_key(b"\0\3\0\1g") is None
    with pytest.raises(KafkaError):
        read_key(b"")


def test_a_group_without_a_time() -> None:
    record = group_record(Group("g", state_since_ms=None), {}, 0)
    assert read_group("g", record.value or b"").state_since_ms is None


@pytest.mark.server
async def test_kafkas_tool_reads_our_log(autojump_clock: MockClock, tmp_path: Path) -> None:
    log = MemoryLog(partition_count=1)
    async with running_coordinator(log=log) as setting:
        a = setting.member()
        await stable_group(setting, a)
        await setting.coordinator.commit_offsets(
            commit_of(41, generation=a.generation, member_id=a.member_id)
        )
        await setting.coordinator.leave("g", [LeavingMember(a.member_id)])
        await setting.coordinator.delete_groups(["g"])
    segment = tmp_path / "__consumer_offsets-0" / "00000000000000000000.log"
    segment.parent.mkdir()
    segment.write_bytes(log.data[0])
    told = await trio.to_thread.run_sync(
        lambda: (
            kafka_tool(
                "kafka.tools.DumpLogSegments", "--offsets-decoder", "--files", str(segment)
            ).stdout
        )
    )
    assert '"group":"g","topic":"t","partition":0' in told
    assert '"offset":41,"leaderEpoch":2,"metadata":"note"' in told
    assert f'"leader":"{a.member_id}"' in told
    assert "isvalid: true" in told
    assert told.count("<DELETE>") == 2
    assert "Could not decode" not in told


@pytest.mark.server
@pytest.mark.matrix
async def test_every_record_of_a_real_broker(tmp_path: Path) -> None:
    with running_cluster("kafka", tmp_path, brokers=1) as cluster:
        port = int(cluster.bootstrap.rpartition(":")[2])
        await hold_conversation(port)
    records = await trio.to_thread.run_sync(stored_records, tmp_path)
    assert len(records) > 20
    for record in records:
        ours = written_by_us(record)
        assert (ours.key, ours.value) == (record.key, record.value)


def stored_records(directory: Path) -> list[Record]:
    """All records of the offsets topic in a broker's directory."""
    return [
        record
        for log in directory.rglob("__consumer_offsets-*/*.log")
        for batch in batches(log.read_bytes())
        for record in batch.records()
    ]
