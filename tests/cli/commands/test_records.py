"""`records` and `log dirs` against canned answers.

On a cluster: tests/interop/test_admin_logs.py.
"""

from pathlib import Path

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_replica_log_dirs as al
from broker.wire.messages import delete_records as dr
from broker.wire.messages import describe_log_dirs as dl
from broker.wire.messages import fetch as fe
from broker.wire.messages import list_offsets as lo
from broker.wire.messages import produce as pr
from broker.wire.record_batch import batches, build_batch
from broker.wire.records import Record
from cli.client.partitioning import partition_of
from cli.commands.records.produce import in_batches
from tests.cli.commands.canned import Canned, invoke, topic


def offsets(request: lo.ListOffsetsRequest) -> lo.ListOffsetsResponse:
    """Every log reaches from 5 to 20."""
    return lo.ListOffsetsResponse(
        topics=[
            lo.ListOffsetsTopicResponse(
                name=each.name,
                partitions=[
                    lo.ListOffsetsPartitionResponse(
                        partition_index=p.partition_index, offset=20 if p.timestamp == -1 else 5
                    )
                    for p in each.partitions
                ],
            )
            for each in request.topics
        ]
    )


def deleted(request: dr.DeleteRecordsRequest) -> dr.DeleteRecordsResponse:
    """What lies beyond 20 is refused."""
    beyond = ErrorCode.OFFSET_OUT_OF_RANGE
    return dr.DeleteRecordsResponse(
        topics=[
            dr.DeleteRecordsTopicResult(
                name=each.name,
                partitions=[
                    dr.DeleteRecordsPartitionResult(
                        partition_index=p.partition_index,
                        low_watermark=-1 if p.offset > 20 else p.offset % 21,
                        error_code=beyond if p.offset > 20 else ErrorCode.NONE,
                    )
                    for p in each.partitions
                ],
            )
            for each in request.topics
        ]
    )


@pytest.fixture(autouse=True)
def partitions(canned: Canned) -> None:
    canned.topics = [topic("orders", (1, [1], [1]), (1, [1], [1]))]
    canned.answers(lo.ListOffsetsRequest, offsets)
    canned.answers(dr.DeleteRecordsRequest, deleted)


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


DELETE = ("records", "delete")


def test_delete_is_a_dry_run_by_itself(canned: Canned) -> None:
    dry = canned.admin(*DELETE, "--offset", "orders:0=15", "--offset", "orders:1=-1")
    assert dry.exit_code == 0
    assert cells(dry.stdout) == [
        ["TOPIC", "PARTITION", "LOG-START", "DELETE-BEFORE", "RECORDS"],
        ["orders", "0", "5", "15", "10"],
        ["orders", "1", "5", "20", "15"],
    ]
    assert dry.stderr == "a dry run: nothing was deleted; --execute does it\n"
    assert canned.asked(dr.DeleteRecordsRequest) == []
    assert canned.facts(*DELETE, "--offset", "orders:0=15")["executed"] is False
    beyond = canned.admin(*DELETE, "--offset", "orders:0=99")
    assert beyond.exit_code == 1
    assert beyond.stderr.endswith("Error: orders-0: OFFSET_OUT_OF_RANGE\n")


def test_delete(canned: Canned) -> None:
    facts = canned.facts(*DELETE, "--offset", "orders:0=15", "--execute")
    assert facts["partitions"][0]["low_watermark"] == 15
    partly = canned.admin(
        *DELETE, "--offset", "orders:0=15", "--offset", "orders:1=99", "--execute"
    )
    assert partly.exit_code == 3
    assert partly.stderr == "Error: orders-1: OFFSET_OUT_OF_RANGE\n"
    assert len(cells(partly.stdout)) == 2
    for more in ([], ["--execute"]):
        missing = canned.admin(*DELETE, "--offset", "orders:9=1", *more)
        assert missing.exit_code == 1
        assert missing.stderr.endswith("Error: orders-9: UNKNOWN_TOPIC_OR_PARTITION\n")


def test_delete_what_stands_in_a_file(canned: Canned, tmp_path: Path) -> None:
    file = tmp_path / "offsets.json"
    one = '{"topic": "orders", "partition": 0, "offset": 7}'
    file.write_text(f'{{"version": 1, "partitions": [{one}]}}')
    from_file = (*DELETE, "--offset-json-file", str(file), "--execute")
    assert canned.facts(*from_file)["partitions"][0]["delete_before"] == 7
    for text, complaint in (
        ("{", "Expecting property name"),
        ("{}", 'is not {"partitions"'),
        (f'{{"partitions": [{one}, {one}]}}', "names a partition twice"),
    ):
        file.write_text(text)
        refused = canned.admin(*from_file)
        assert refused.exit_code == 2
        assert complaint in refused.stderr.splitlines()[-1]


def test_log_dirs(canned: Canned) -> None:
    """Broker 2 is not there; one directory of broker 1 is offline."""
    lies = dl.DescribeLogDirsPartition(partition_index=0, partition_size=700, offset_lag=3)
    coming = dl.DescribeLogDirsPartition(partition_size=100, offset_lag=9, is_future_key=True)

    def topics(partition: dl.DescribeLogDirsPartition) -> list[dl.DescribeLogDirsTopic]:
        return [dl.DescribeLogDirsTopic(name="orders", partitions=[partition])]

    canned.answers(
        dl.DescribeLogDirsRequest,
        dl.DescribeLogDirsResponse(
            results=[
                dl.DescribeLogDirsResult(log_dir="/a", topics=topics(lies), usable_bytes=1000),
                dl.DescribeLogDirsResult(log_dir="/b", topics=topics(coming)),
                dl.DescribeLogDirsResult(log_dir="/c", error_code=ErrorCode.KAFKA_STORAGE_ERROR),
            ]
        ),
    )
    describe = ("log", "dirs", "describe")
    partly = canned.admin(*describe, "--broker-list", "1,2")
    assert partly.exit_code == 3
    assert partly.stderr == "Error: broker 2: BROKER_NOT_AVAILABLE\n"
    assert cells(partly.stdout)[1:] == [
        ["1", "/a", "1", "700", "1000", "-"],
        ["1", "/b", "1", "100", "-", "-"],
        ["1", "/c", "0", "0", "-", "KAFKA_STORAGE_ERROR"],
    ]
    assert canned.asked(dl.DescribeLogDirsRequest)[-1].topics is None
    wide = canned.admin(*describe, "--topic-list", "orders", "-o", "wide")
    assert cells(wide.stdout)[1:] == [
        ["1", "/a", "orders", "0", "700", "3", "no"],
        ["1", "/b", "orders", "0", "100", "9", "yes"],
    ]
    asked = canned.asked(dl.DescribeLogDirsRequest)[-1].topics
    assert [(each.topic, each.partitions) for each in asked] == [("orders", [0, 1])]
    facts = canned.facts(*describe, "--topic-list", "orders,nothing", exit_code=3)
    assert facts["log_dirs"][2]["error"] == "KAFKA_STORAGE_ERROR"


def test_move(canned: Canned) -> None:
    def answer(code: ErrorCode) -> al.AlterReplicaLogDirsResponse:
        partition = al.AlterReplicaLogDirPartitionResult(partition_index=0, error_code=code)
        return al.AlterReplicaLogDirsResponse(
            results=[al.AlterReplicaLogDirTopicResult(topic_name="orders", partitions=[partition])]
        )

    canned.answers(al.AlterReplicaLogDirsRequest, answer(ErrorCode.NONE))
    move = ("log", "dirs", "move", "orders:0", "--broker", "1", "--dir", "/b")
    assert canned.admin(*move).stdout == "Moving orders-0 on broker 1 to /b.\n"
    (request,) = canned.asked(al.AlterReplicaLogDirsRequest)
    assert request.dirs[0].path == "/b"
    canned.answers(al.AlterReplicaLogDirsRequest, answer(ErrorCode.LOG_DIR_NOT_FOUND))
    assert canned.admin(*move).stderr == "Error: orders-0 on broker 1: LOG_DIR_NOT_FOUND\n"
    refused = canned.facts(*move, exit_code=1)
    assert refused["replicas"][0]["error"] == "LOG_DIR_NOT_FOUND"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (DELETE, "give --offset, or --offset-json-file"),
        ((*DELETE, "--offset", "t:0"), "'t:0' is not TOPIC:N=OFFSET"),
        ((*DELETE, "--offset", "t=1"), "'t=1' is not TOPIC:N=OFFSET"),
        ((*DELETE, "--offset", "t:0=-2"), "'t:0=-2' is not TOPIC:N=OFFSET"),
        ((*DELETE, "--offset", "t:0=1", "--offset", "t:0=2"), "t-0 is named twice"),
        (("log", "dirs", "move", "t:0", "--dir", "/d"), "Missing option '--broker'"),
        (("log", "dirs", "describe", "--broker-list", "x"), "'x' is not a list of broker ids"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], complaint: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr.splitlines()[-1]


def fetched(request: fe.FetchRequest) -> fe.FetchResponse:
    """Offsets 5 to 20 of each log, ten at a time, each record a batch of its own."""
    (asked,) = request.topics
    (partition,) = asked.partitions
    records = [
        Record(key=b"k", value=b"\xff" if n == 6 else b"v%d" % n, headers=(("h", b"x"),))
        for n in range(partition.fetch_offset, min(20, partition.fetch_offset + 10))
    ]
    data = b"".join(
        bytes(build_batch([each], base_offset=partition.fetch_offset + n))
        for n, each in enumerate(records)
    )
    answer = fe.PartitionData(partition_index=partition.partition, records=data)
    topics = [fe.FetchableTopicResponse(topic_id=asked.topic_id, partitions=[answer])]
    return fe.FetchResponse(responses=topics)


def test_consume(canned: Canned) -> None:
    canned.answers(fe.FetchRequest, fetched)
    consume = ("records", "consume", "orders:0")
    values = canned.admin(*consume).stdout.splitlines()
    assert values == ["v5", r"\xff", *(f"v{n}" for n in range(7, 20))]
    wide = canned.admin(*consume, "--offset", "18", "-o", "wide").stdout
    assert cells(wide)[1:] == [["orders", "0", str(n), "-1", "k", f"v{n}"] for n in (18, 19)]
    both = canned.facts("records", "consume", "orders", "--max-messages", "16")["records"]
    assert [(each["partition"], each["offset"]) for each in both][-1] == (1, 5)
    assert both[0]["headers"] == [{"key": "h", "value": "x"}]
    cut = canned.admin(*consume, "--max-messages", "2", "--isolation-level", "read_committed")
    assert cut.stderr == "ended after 2: --max-messages says how many\n"
    assert canned.asked(fe.FetchRequest)[-1].isolation_level == 1
    for where, complaint in (("nothing", "no topic 'nothing'"), ("orders:9", "no partition")):
        refused = canned.admin("records", "consume", where)
        assert refused.exit_code == 1
        assert complaint in refused.stderr


def test_produce(canned: Canned) -> None:
    """orders-1 refuses everything."""

    def produced(request: pr.ProduceRequest) -> pr.ProduceResponse:
        (topic_data,) = request.topic_data
        (data,) = topic_data.partition_data
        code = ErrorCode.NOT_ENOUGH_REPLICAS if data.index else ErrorCode.NONE
        partition = pr.PartitionProduceResponse(
            index=data.index, base_offset=-1 if code else 17, error_code=code
        )
        topics = [pr.TopicProduceResponse(name="orders", partition_responses=[partition])]
        return pr.ProduceResponse(responses=topics)

    canned.answers(pr.ProduceRequest, produced)
    send = ("records", "produce", "orders")
    done = canned.admin(*send, "--partition", "0", stdin="a\nb\n")
    assert (done.exit_code, done.stdout) == (0, "orders-0: 2 records from 17 on\n")
    (request,) = canned.asked(pr.ProduceRequest)
    assert request.acks == -1
    (batch,) = batches(bytes(request.topic_data[0].partition_data[0].records))
    assert [each.value for each in batch.records()] == [b"a", b"b"]

    keys = {partition_of(str(n).encode(), 2): str(n) for n in range(10)}
    lines = f"{keys[0]}=a\n{keys[1]}=b=c\n"
    partly = canned.admin(*send, "--key-separator", "=", stdin=lines)
    assert partly.exit_code == 3
    assert partly.stdout == "orders-0: 1 records from 17 on\n"
    assert partly.stderr == "Error: 1 records for orders-1: NOT_ENOUGH_REPLICAS\n"
    last = canned.asked(pr.ProduceRequest)[-1].topic_data[0].partition_data[0]
    (batch,) = batches(bytes(last.records))
    assert [(each.key, each.value) for each in batch.records()] == [(keys[1].encode(), b"b=c")]
    assert canned.admin(*send, "--partition", "9", stdin="x").stderr == (
        "Error: no partition orders-9\n"
    )
    assert canned.admin(*send, stdin="").exit_code == 0
    large = [Record(value=b"x" * 400_000), Record(value=b"y" * 400_000), Record(value=b"z")]
    assert [len(each) for each in in_batches(large)] == [1, 2]
