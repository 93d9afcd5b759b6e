"""The rows of `group describe`; against a cluster: tests/interop."""

from cli.client import Address
from cli.client.groups import GroupDescription, Member, PartitionProgress
from cli.commands.group.describe import _table, member_rows, offset_rows, state_row
from coordination.values import TopicPartition

ORDERS = [TopicPartition("orders", number) for number in range(3)]
MEMBER = Member(
    "my-app-1", "my-app", "/127.0.0.1", None, (ORDERS[1], ORDERS[0], TopicPartition("a", 0))
)
IDLE = Member("my-app-2", "my-app", "/127.0.0.1", None, ())
GROUP = GroupDescription("g", "Stable", "range", Address("h", 9092), 2, (MEMBER, IDLE))


def test_offsets_and_lag() -> None:
    progress = [
        PartitionProgress(ORDERS[0], 5, 7, MEMBER),
        PartitionProgress(ORDERS[1], None, 7, None),
        PartitionProgress(ORDERS[2], 3, None, None),
    ]
    assert [row[1:6] for row in offset_rows("g", progress)] == [
        ("orders", 0, 5, 7, 2),
        ("orders", 1, None, 7, None),
        ("orders", 2, 3, None, None),
    ]
    assert offset_rows("g", progress)[0][6:] == ("my-app-1", "/127.0.0.1", "my-app")


def test_members_and_what_they_read() -> None:
    assert [row[4:] for row in member_rows(GROUP)] == [(3, "a(0), orders(0,1)"), (0, "-")]


def test_members_by_themselves_and_verbose() -> None:
    assert _table(GROUP, None, "members").columns[-1] == "#PARTITIONS"
    assert _table(GROUP, None, "members", verbose=True).columns[-1] == "ASSIGNMENT"
    assert _table(GROUP, None, "members", wide=True).columns[-2] == "ASSIGNMENT"


def test_state() -> None:
    assert state_row(GROUP) == ("g", "h:9092  (2)", "range", "Stable", 2)
