"""One long conversation about groups, held with whoever speaks Kafka's protocol, and written down.

The same requests go to a real Kafka 3.9.1, to our handlers in this process and to a running
zbroker; what they answer, field by field, is compared with `golden/conversation.txt`, which the
real Kafka dictated. Each line is a request and its answer:

    a JoinGroup 9            error_code=MEMBER_ID_REQUIRED ... member_id=<1>

Member ids, broker ids and ports differ from run to run: they are numbered in the order in which
they appear. Whoever speaks, `a` to `d`, has a connection of their own, since a request that waits
keeps its connection busy.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

import attrs

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_groups import DeleteGroupsRequest
from broker.wire.messages.describe_groups import DescribeGroupsRequest
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.heartbeat import HeartbeatRequest
from broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from broker.wire.messages.list_groups import ListGroupsRequest
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment

TOPIC: Final = "conversation"
"""Must exist, with two partitions."""

SUBSCRIPTION: Final = b"\0\0" + b"\0\0\0\1" + b"\0\x0c" + TOPIC.encode() + b"\xff\xff\xff\xff"
_MEMBER_ID: Final = re.compile(
    r"[\w-]*[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
)


class Speaker(Protocol):
    """A broker to talk to, over one connection for each name."""

    async def send(self, who: str, key: ApiKey, version: int, request: object) -> None: ...

    async def receive(self, who: str) -> Any: ...

    async def is_waiting(self, who: str) -> bool:
        """Whether the request sent last has had time to be answered, and was not."""
        ...


@attrs.define
class Conversation:
    """Asks, and writes down what is answered."""

    speaker: Speaker
    group: str
    lines: list[str] = attrs.field(factory=list)
    # What `a` and `b` heard when they joined last, from one chapter to the next.
    a: Any = None
    b: Any = None
    _asked: dict[str, str] = attrs.field(factory=dict)
    _names: dict[str, str] = attrs.field(factory=dict)

    def say(self, heading: str) -> None:
        self.lines += ["", f"# {heading}"]

    async def ask(self, who: str, key: ApiKey, version: int, request: object) -> Any:
        await self.begin(who, key, version, request)
        return await self.hear(who)

    async def begin(self, who: str, key: ApiKey, version: int, request: object) -> None:
        """Ask, and let it wait."""
        await self.speaker.send(who, key, version, request)
        api = "".join(part.capitalize() for part in key.name.split("_"))
        self._asked[who] = f"{who} {api} {version}"

    async def hear(self, who: str) -> Any:
        response = await self.speaker.receive(who)
        self.lines.append(f"{self._asked[who]:<24} {self._told(response)}")
        return response

    async def still_waits(self, who: str) -> None:
        waits = await self.speaker.is_waiting(who)
        self.lines.append(f"{self._asked[who]:<24} {'waits' if waits else 'DOES NOT WAIT'}")

    def _told(self, value: Any, field: str = "") -> str:
        if attrs.has(type(value)):
            fields = [
                f"{a.name}={self._told(getattr(value, a.name), a.name)}"
                for a in attrs.fields(type(value))
                if a.name not in ("throttle_time_ms", "error_message", "port", "node_id", "host")
            ]
            return f"({', '.join(fields)})" if field else " ".join(fields)
        if isinstance(value, list):
            return f"[{', '.join(sorted(self._told(each, 'element') for each in value))}]"
        if field == "error_code":
            return ErrorCode.of(value).name
        if isinstance(value, bytes):
            value = value.decode("latin-1")
            value = "<subscription>" if value == SUBSCRIPTION.decode("latin-1") else value
        if isinstance(value, str):
            named = _MEMBER_ID.sub(lambda found: self._name(found.group()), value)
            return repr(named.replace(self.group, "g"))
        return str(value)

    def _name(self, member_id: str) -> str:
        return self._names.setdefault(member_id, f"<{len(self._names) + 1}>")

    # Requests, as a client of the group would make them

    async def join(self, who: str, version: int = 9, **fields: Any) -> Any:
        await self.begin_join(who, version, **fields)
        return await self.hear(who)

    async def begin_join(self, who: str, version: int = 9, **fields: Any) -> None:
        defaults: dict[str, Any] = {
            "group_id": self.group,
            "session_timeout_ms": 30_000,
            "rebalance_timeout_ms": 30_000 if version > 0 else -1,
            "protocol_type": "consumer",
            "protocols": protocols("range"),
        }
        await self.begin(who, ApiKey.JOIN_GROUP, version, JoinGroupRequest(**(defaults | fields)))

    async def join_twice(self, who: str, version: int = 9, **fields: Any) -> Any:
        """Get a member id, and come back with it."""
        required = await self.join(who, version, **fields)
        return await self.join(who, version, member_id=required.member_id, **fields)

    async def sync(
        self, who: str, joined: Any, assigned: Sequence[str] = (), version: int = 5, **fields: Any
    ) -> Any:
        await self.begin_sync(who, joined, assigned, version, **fields)
        return await self.hear(who)

    async def begin_sync(
        self, who: str, joined: Any, assigned: Sequence[str] = (), version: int = 5, **fields: Any
    ) -> None:
        defaults: dict[str, Any] = {
            "group_id": self.group,
            "generation_id": joined.generation_id,
            "member_id": joined.member_id,
            "protocol_type": "consumer" if version >= 5 else None,
            "protocol_name": "range" if version >= 5 else None,
            "assignments": [
                SyncGroupRequestAssignment(member_id=each, assignment=f"of {each}".encode())
                for each in assigned
            ],
        }
        await self.begin(who, ApiKey.SYNC_GROUP, version, SyncGroupRequest(**(defaults | fields)))

    async def beat(self, who: str, joined: Any, version: int = 4, **fields: Any) -> Any:
        defaults: dict[str, Any] = {
            "group_id": self.group,
            "generation_id": joined.generation_id,
            "member_id": joined.member_id,
        }
        return await self.ask(
            who, ApiKey.HEARTBEAT, version, HeartbeatRequest(**(defaults | fields))
        )

    async def leave(
        self, who: str, version: int = 5, *members: MemberIdentity, **fields: Any
    ) -> Any:
        request = LeaveGroupRequest(**({"group_id": self.group, "members": list(members)} | fields))
        return await self.ask(who, ApiKey.LEAVE_GROUP, version, request)

    async def commit(
        self, who: str, version: int = 9, partition: int = 0, offset: int = 1, **fields: Any
    ) -> Any:
        name = fields.pop("topic", TOPIC)
        metadata = fields.pop("metadata", "note")
        committed = OffsetCommitRequestPartition(
            partition_index=partition,
            committed_offset=offset,
            committed_leader_epoch=3 if version >= 6 else -1,
            committed_metadata=metadata,
        )
        topics = [OffsetCommitRequestTopic(name=name, partitions=[committed])]
        request = OffsetCommitRequest(**({"group_id": self.group, "topics": topics} | fields))
        return await self.ask(who, ApiKey.OFFSET_COMMIT, version, request)

    async def fetch(
        self, who: str, version: int = 9, partitions: Sequence[int] | None = (0, 1), **fields: Any
    ) -> Any:
        group = fields.pop("group_id", self.group)
        indexes = list(partitions or ())
        topics: list[Any] | None = None
        if version >= 8:
            if partitions is not None:
                topics = [OffsetFetchRequestTopics(name=TOPIC, partition_indexes=indexes)]
            request = OffsetFetchRequest(
                groups=[OffsetFetchRequestGroup(group_id=group, topics=topics)], **fields
            )
        else:
            if partitions is not None:
                topics = [OffsetFetchRequestTopic(name=TOPIC, partition_indexes=indexes)]
            request = OffsetFetchRequest(group_id=group, topics=topics, **fields)
        return await self.ask(who, ApiKey.OFFSET_FETCH, version, request)

    async def fetch_of_many(self, who: str, version: int, *groups: str, **fields: Any) -> Any:
        """Of each group: all topics, one that exists beside one that does not, and no topic."""
        topics = [
            OffsetFetchRequestTopics(name=name, partition_indexes=[0, 7])
            for name in (TOPIC, "no-such-topic")
        ]
        asked = [
            OffsetFetchRequestGroup(group_id=group, topics=which)
            for group in groups
            for which in (None, topics, [])
        ]
        request = OffsetFetchRequest(groups=asked, **fields)
        return await self.ask(who, ApiKey.OFFSET_FETCH, version, request)

    async def forget(
        self, who: str, partitions: Sequence[int] = (0,), *topics: str, **fields: Any
    ) -> Any:
        asked = [
            OffsetDeleteRequestTopic(
                name=name,
                partitions=[
                    OffsetDeleteRequestPartition(partition_index=each) for each in partitions
                ],
            )
            for name in topics or (TOPIC,)
        ]
        request = OffsetDeleteRequest(**({"group_id": self.group, "topics": asked} | fields))
        return await self.ask(who, ApiKey.OFFSET_DELETE, 0, request)

    async def describe(self, who: str, version: int = 5, **fields: Any) -> Any:
        request = DescribeGroupsRequest(**({"groups": [self.group]} | fields))
        return await self.ask(who, ApiKey.DESCRIBE_GROUPS, version, request)


def protocols(*names: str) -> list[JoinGroupRequestProtocol]:
    return [JoinGroupRequestProtocol(name=name, metadata=SUBSCRIPTION) for name in names]


async def converse(speaker: Speaker, group: str) -> str:
    """Hold the whole conversation about a group that does not exist yet."""
    c = Conversation(speaker, group)
    for chapter in (
        _before_there_is_a_group,
        _two_members,
        _wrong_requests,
        _offsets_of_members,
        _forgetting_offsets_of_members,
        _a_rebalance,
        _static_members,
        _leaving,
        _old_versions,
        _offsets_without_members,
        _offsets_of_many_groups,
        _forgetting_offsets,
        _looking_and_deleting,
    ):
        c.say((chapter.__doc__ or "").strip())
        await chapter(c)
    return "\n".join(c.lines).strip() + "\n"


async def _before_there_is_a_group(c: Conversation) -> None:
    """before there is a group"""
    for version in (0, 3):
        request = FindCoordinatorRequest(key=c.group)
        await c.ask("a", ApiKey.FIND_COORDINATOR, version, request)
    many = FindCoordinatorRequest(coordinator_keys=[c.group, "another"])
    await c.ask("a", ApiKey.FIND_COORDINATOR, 6, many)
    share = FindCoordinatorRequest(coordinator_keys=[c.group], key_type=2)
    await c.ask("a", ApiKey.FIND_COORDINATOR, 6, share)
    await c.ask("a", ApiKey.FIND_COORDINATOR, 4, share)
    unknown = FindCoordinatorRequest(coordinator_keys=[c.group], key_type=9)
    await c.ask("a", ApiKey.FIND_COORDINATOR, 6, unknown)
    for version in (1, 2, 7, 8, 9):
        await c.fetch("a", version)
    await c.fetch("a", 7, None)
    await c.fetch("a", 9, None)
    await c.describe("a", include_authorized_operations=True)
    nobody = HeartbeatRequest(group_id=c.group, generation_id=1, member_id="nobody")
    await c.ask("a", ApiKey.HEARTBEAT, 4, nobody)
    await c.leave("a", 5, MemberIdentity(member_id="nobody"))
    await c.leave("a", 2, member_id="nobody")
    await c.join("a", member_id="nobody")
    await c.join("a", session_timeout_ms=1)
    await c.join("a", group_id="")
    await c.join("a", 6, group_id="")
    await c.join("a", protocols=[])
    await c.join("a", protocol_type="")
    delete = DeleteGroupsRequest(groups_names=[c.group + "-none"])
    await c.ask("a", ApiKey.DELETE_GROUPS, 2, delete)


async def _two_members(c: Conversation) -> None:
    """two members"""
    a = await c.join_twice("a")
    await c.describe("c")
    await c.sync("a", a, [a.member_id])
    await c.describe("c", include_authorized_operations=True)
    b = await c.join("b")
    await c.beat("a", a)
    await c.begin_join("b", member_id=b.member_id)
    await c.still_waits("b")
    await c.describe("c", 4)
    await c.beat("a", a)
    await c.sync("a", a)
    await c.commit("a", member_id=a.member_id, generation_id_or_member_epoch=a.generation_id)
    a = await c.join("a", member_id=a.member_id, reason="asked to")
    b = await c.hear("b")
    await c.commit("a", member_id=a.member_id, generation_id_or_member_epoch=a.generation_id)
    await c.beat("b", b)
    await c.join("b", member_id=b.member_id)
    await c.begin_sync("b", b)
    await c.still_waits("b")
    await c.sync("a", a, [a.member_id, "nobody"])
    await c.hear("b")
    await c.describe("c")
    await c.sync("b", b)
    await c.join("b", member_id=b.member_id)
    c.a, c.b = a, b


async def _wrong_requests(c: Conversation) -> None:
    """requests that are wrong"""
    a = c.a
    await c.sync("a", a, generation_id=99)
    await c.sync("a", a, member_id="nobody")
    await c.sync("a", a, group_id="")
    await c.sync("a", a, group_id="another")
    await c.sync("a", a, protocol_name="sticky")
    await c.sync("a", a, protocol_type="connect")
    await c.sync("a", a, protocol_type=None)
    await c.sync("a", a, version=3, group_instance_id="unknown")
    await c.beat("a", a, generation_id=99)
    await c.beat("a", a, member_id="nobody")
    await c.beat("a", a, member_id="")
    await c.beat("a", a, group_id="")
    await c.beat("a", a, group_instance_id="unknown")
    await c.join("c", protocols=protocols("sticky"))
    await c.join("c", protocol_type="connect")
    await c.join("c", member_id=a.member_id, group_instance_id="unknown")
    await c.join("a", member_id=a.member_id, protocols=protocols("sticky"))
    await c.leave("c", 5, MemberIdentity(member_id=""), MemberIdentity(member_id="nobody"))
    await c.leave("c", 5, group_id="")
    await c.leave("c", 5)


async def _offsets_of_members(c: Conversation) -> None:
    """offsets of members"""
    a = c.a
    member = {"member_id": a.member_id, "generation_id_or_member_epoch": a.generation_id}
    for version in (1, 2, 5, 6, 7, 8, 9):
        await c.commit("a", version, offset=10 + version, **member)
        await c.fetch("a", min(version, 7))
    await c.fetch("a", 8, None, require_stable=True)
    await c.commit("a", **(member | {"generation_id_or_member_epoch": 99}))
    await c.commit("a", **(member | {"member_id": "nobody"}))
    await c.commit("a", member_id="", generation_id_or_member_epoch=-1)
    await c.commit("a", **member, group_instance_id="unknown")
    await c.commit("a", **member, topic="no-such-topic")
    await c.commit("a", **member, partition=7)
    await c.commit("a", **member, metadata="x" * 4096)
    await c.commit("a", **member, metadata="x" * 4097)
    await c.commit("a", **member, metadata=None)
    await c.commit("a", **member, group_id="another")
    await c.commit("a", **member, topics=[])


async def _forgetting_offsets_of_members(c: Conversation) -> None:
    """members' offsets are to be forgotten"""
    await c.forget("a", (0, 1, 7))
    await c.forget("a", (0,), TOPIC, "no-such-topic")
    await c.forget("a", (), topics=[])
    await c.fetch("a", 9, None)


async def _a_rebalance(c: Conversation) -> None:
    """the leader joins again, and the follower is late"""
    a, b = c.a, c.b
    await c.begin_join("a", member_id=a.member_id)
    await c.still_waits("a")
    await c.beat("b", b)
    b = await c.join("b", member_id=b.member_id)
    a = await c.hear("a")
    await c.begin_sync("b", b)
    await c.begin_join("c", 3)
    await c.hear("b")
    await c.begin_join("b", member_id=b.member_id)
    a = await c.join("a", member_id=a.member_id)
    b, third = await c.hear("b"), await c.hear("c")
    await c.leave("d", 2, member_id=third.member_id)
    await c.beat("a", a)
    await c.begin_join("a", member_id=a.member_id)
    b = await c.join("b", member_id=b.member_id)
    a = await c.hear("a")
    await c.sync("a", a, [a.member_id, b.member_id])
    await c.sync("b", b)
    c.a, c.b = a, b


async def _static_members(c: Conversation) -> None:
    """static members"""
    first, second = c.group, c.group + "-static"
    c.group = second
    s = await c.join("a", group_instance_id="s")
    await c.sync("a", s, [s.member_id], group_instance_id="s")
    back = await c.join("b", group_instance_id="s")
    await c.beat("a", s, group_instance_id="s")
    await c.sync("a", s, group_instance_id="s")
    await c.commit(
        "a",
        member_id=s.member_id,
        generation_id_or_member_epoch=s.generation_id,
        group_instance_id="s",
    )
    await c.join("a", member_id=s.member_id, group_instance_id="s")
    await c.beat("b", back, group_instance_id="s")
    await c.beat("b", back, version=2)
    await c.sync("b", back, group_instance_id="s")
    old = await c.join("c", 8, group_instance_id="s")
    await c.sync("c", old, group_instance_id="s")
    await c.join("c", 5, group_instance_id="s", protocols=protocols("sticky"))
    both = await c.join("c", group_instance_id="s", protocols=protocols("sticky", "range"))
    await c.describe("d")
    await c.leave(
        "d",
        5,
        MemberIdentity(member_id="", group_instance_id="s"),
        MemberIdentity(member_id="", group_instance_id="t"),
        MemberIdentity(member_id=both.member_id, group_instance_id="s"),
    )
    await c.describe("d")
    c.group = first


async def _leaving(c: Conversation) -> None:
    """all leave"""
    a, b = c.a, c.b
    delete = DeleteGroupsRequest(groups_names=[c.group])
    await c.ask("d", ApiKey.DELETE_GROUPS, 2, delete)
    await c.leave("b", 4, MemberIdentity(member_id=b.member_id))
    await c.beat("a", a)
    await c.leave("a", 0, member_id=a.member_id)
    await c.beat("a", a)
    await c.sync("a", a)
    await c.commit("a", member_id=a.member_id, generation_id_or_member_epoch=a.generation_id)
    await c.describe("a")


async def _old_versions(c: Conversation) -> None:
    """a client of long ago"""
    old = await c.join("a", 0)
    await c.sync("a", old, [old.member_id], version=0)
    await c.beat("a", old, version=0)
    again = await c.join("a", 1, member_id=old.member_id)
    await c.sync("a", again, [again.member_id], version=2)
    await c.join("b", 2, protocol_type="connect")
    await c.join("b", 7, protocol_type="connect")
    await c.describe("a", 0)
    await c.leave("a", 1, member_id=old.member_id)


async def _offsets_without_members(c: Conversation) -> None:
    """a client that only stores offsets"""
    await c.commit("a", 9, offset=100)
    await c.commit("a", 3, offset=101, retention_time_ms=1_000_000)
    await c.commit("a", 9, group_id="", offset=5)
    await c.fetch("a", 9, group_id="")
    await c.commit("a", 9, member_id="nobody", offset=102)
    await c.commit("a", 9, generation_id_or_member_epoch=1, offset=102)
    await c.fetch("a", 9)
    await c.commit("a", 0, offset=7)
    await c.fetch("a", 0)
    await c.fetch("a", 0, (0, 7))
    await c.fetch("a", 1, (0, 7))
    await c.describe("a")


async def _offsets_of_many_groups(c: Conversation) -> None:
    """offsets of many groups"""
    for version in (8, 9):
        await c.fetch_of_many("a", version, c.group, "", c.group + "-none", c.group)
    await c.fetch_of_many("a", 9, c.group, require_stable=True)


async def _forgetting_offsets(c: Conversation) -> None:
    """offsets are to be forgotten"""
    await c.forget("a", group_id=c.group + "-none")
    await c.forget("a", group_id=c.group + "-none", topics=[])
    await c.forget("a", group_id="")
    await c.commit("a", 9, partition=1, offset=3)
    await c.forget("a", (0, 7), TOPIC, "no-such-topic")
    await c.fetch("a", 9, None)
    await c.forget("a", (0,))
    await c.describe("a")
    await c.commit("a", 9, partition=1, offset=3, group_id=c.group + "-brief")
    await c.forget("a", (1,), group_id=c.group + "-brief")
    await c.describe("a", groups=[c.group + "-brief"])
    w = await c.join("a", 0, group_id=c.group + "-workers", protocol_type="connect")
    await c.forget("a", group_id=c.group + "-workers")
    await c.leave("a", 1, member_id=w.member_id, group_id=c.group + "-workers")


async def _looking_and_deleting(c: Conversation) -> None:
    """looking and deleting"""

    async def listed(version: int, **filters: list[str]) -> None:
        key, request = ApiKey.LIST_GROUPS, ListGroupsRequest(**filters)
        await c.speaker.send("a", key, version, request)
        c._asked["a"] = f"a ListGroups {version}"
        response = await c.speaker.receive("a")
        response.groups = [g for g in response.groups if g.group_id.startswith(c.group)]
        c.lines.append(f"{c._asked['a']:<24} {c._told(response)}")

    for version in (0, 3, 4, 5):
        await listed(version)
    await listed(5, states_filter=["stable"])
    await listed(5, states_filter=["EMPTY", "nonsense"])
    await listed(5, types_filter=["Classic"])
    await listed(5, types_filter=["consumer"])
    groups = [c.group, c.group + "-static", c.group, "no-such-group", ""]
    await c.ask("a", ApiKey.DELETE_GROUPS, 1, DeleteGroupsRequest(groups_names=groups))
    await c.fetch("a", 9, None)
    await c.describe("a")
    await listed(5)
