"""ListGroups and DescribeGroups: what tools ask about groups.

An unknown group is described as Dead, without an error: to a tool that looks at a group which is
just being deleted, that is no failure. What members said of themselves and what they were assigned
is shown while the group is Stable; in between it would mix two generations.

Source: Kafka's handleListGroups, handleDescribeGroup, GroupMetadata.summary.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

import attrs

from broker.groups.directory import GroupDirectory
from broker.groups.group import Group
from broker.groups.group_states import DEAD, STABLE, GroupState
from broker.wire.errors import ErrorCode

CLASSIC: Final = "classic"
"""The type of all our groups; the others are KIP-848's, which ZooKeeper mode does not have."""


@attrs.frozen
class GroupOverview:
    group_id: str
    protocol_type: str
    state: str


@attrs.frozen
class GroupCounts:
    """How many groups there are in each state, and how many offsets they have committed."""

    by_state: Mapping[GroupState, int]
    offsets: int


@attrs.frozen
class MemberDescription:
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


@attrs.frozen
class GroupDescription:
    """`protocol` is the assignor chosen, empty unless the group is Stable."""

    state: str = DEAD.value
    protocol_type: str = ""
    protocol: str = ""
    members: tuple[MemberDescription, ...] = ()


def list_groups(
    directory: GroupDirectory, states: Collection[str], types: Collection[str]
) -> tuple[ErrorCode, list[GroupOverview]]:
    """The groups in one of the states and of one of the types; empty is all. Case is ignored.

    COORDINATOR_LOAD_IN_PROGRESS, with those known so far, while some partition is being loaded.
    """
    wanted_states = {state.lower() for state in states}
    wanted_types = {kind.lower() for kind in types}
    groups = [
        GroupOverview(group.group_id, group.protocol_type or "", group.state.value)
        for group in directory.groups()
        if (not wanted_states or group.state.value.lower() in wanted_states)
        and (not wanted_types or CLASSIC in wanted_types)
    ]
    is_loading = directory.is_loading
    return (ErrorCode.COORDINATOR_LOAD_IN_PROGRESS if is_loading else ErrorCode.NONE), groups


def count_groups(directory: GroupDirectory) -> GroupCounts:
    groups = list(directory.groups())
    return GroupCounts(
        Counter(group.state for group in groups), sum(len(group.offsets) for group in groups)
    )


def describe_group(group: Group | None) -> GroupDescription:
    """One group as it is now; None is one that does not exist."""
    if group is None:
        return GroupDescription()
    protocol = group.protocol_name if group.state is STABLE else None
    members = tuple(
        MemberDescription(
            member.member_id,
            member.group_instance_id,
            member.client_id,
            member.client_host,
            metadata=member.metadata(protocol) if protocol is not None else b"",
            assignment=member.assignment if protocol is not None else b"",
        )
        for member in group.members.values()
    )
    return GroupDescription(group.state.value, group.protocol_type or "", protocol or "", members)
