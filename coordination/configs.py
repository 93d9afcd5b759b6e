"""Configs that live in ZooKeeper, and how their changes reach every broker.

A writer sets /config/<entity> and then makes a sequential notification that names the entity.
Every broker watches the notifications' parent, and for each notification it has not seen reads the
entity's config anew. So a change is applied at least once by everybody, in no order that anybody
may rely on, and always as it is now. Notifications older than 15 minutes are deleted by whoever
comes past; a broker that was away for longer has read all configs at its next start.

Source: kafka.zk.AdminZkClient.changeEntityConfig, kafka.common.ZkNodeChangeNotificationListener.
"""

from collections.abc import Callable, Mapping, Sequence

import attrs
import trio

from coordination import znodes
from coordination.store import (
    BadVersion,
    ConnectionLoss,
    Create,
    Delete,
    MultiFailed,
    Node,
    NodeExists,
    NoNode,
    NotEmpty,
    Op,
    Session,
    Set,
)
from coordination.subscriptions import until_change
from coordination.values import Recorder
from coordination.znodes import paths

NOTIFICATION_LIFE_MS = 15 * 60 * 1000

# An entity's configs, and what they are to be.
Change = Callable[[Mapping[str, str]], Mapping[str, str]]

# There may be as many of these as clients ever came by.
_REMOVED_WHEN_EMPTY = ("clients/", "ips/", "users/")


async def read_configs(session: Session, entity_paths: Sequence[str]) -> list[dict[str, str]]:
    """The overrides of each entity, {} for one that has none. Raises BadZnode."""
    nodes = await session.get_many([paths.config(entity) for entity in entity_paths])
    return [
        {} if node is None else znodes.decode_config(entity, node)
        for entity, node in zip(entity_paths, nodes, strict=True)
    ]


async def read_config(session: Session, entity_path: str) -> dict[str, str]:
    """One entity's overrides, beyond doubt: our server may not know yet of what was made just now.

    (Kafka doesn't ask again, and the log of such a topic runs with the broker's defaults.)
    """
    try:
        node = await session.get(paths.config(entity_path))
    except NoNode:
        await session.sync()
        [config] = await read_configs(session, [entity_path])
        return config
    return znodes.decode_config(entity_path, node)


async def change_config(session: Session, entity_path: str, change: Change) -> None:
    """Put what `change` makes of the entity's overrides in their place, and notify every broker.

    Nobody else's change is overwritten: if there was one, `change` is asked again. It may raise.
    """
    unanswered: Mapping[str, str] | None = None
    notify = Create(
        paths.CONFIG_CHANGE_PREFIX, znodes.encode_config_change(entity_path), sequence=True
    )
    while True:
        [node] = await session.get_many([paths.config(entity_path)])
        before = {} if node is None else znodes.decode_config(entity_path, node)
        if before == unanswered:
            return  # it was done, only its reply was lost
        after = change(before)
        write = await _write_ops(session, entity_path, node, after)
        try:
            await session.multi([*write, notify])
            return
        except ConnectionLoss:
            unanswered = after
        except MultiFailed as failed:
            if not isinstance(failed.error, BadVersion | NodeExists | NoNode | NotEmpty):
                raise


async def _write_ops(
    session: Session, entity_path: str, node: Node | None, config: Mapping[str, str]
) -> list[Op]:
    """What makes `config` the entity's. `node` is its znode now, None if there is none."""
    path, data = paths.config(entity_path), znodes.encode_config(config)
    if not config and entity_path.startswith(_REMOVED_WHEN_EMPTY):
        if node is None:
            return []
        if node.stat.num_children == 0:
            return await _removal(session, entity_path, node)
    if node is not None:
        return [Set(path, data, node.stat.version)]
    # users/alice may not be there when users/alice/clients/app comes
    ancestors = [paths.config(each) for each in _ancestors(entity_path)]
    missing = [each for each in ancestors if await session.exists(each) is None]
    return [*(Create(each) for each in missing), Create(path, data)]


async def _removal(session: Session, entity_path: str, node: Node) -> list[Op]:
    """Remove the entity, and what only led to it (AdminZkClient.tryCleanQuotaNodes)."""
    ops: list[Op] = [Delete(paths.config(entity_path), node.stat.version)]
    for ancestor in reversed(_ancestors(entity_path)):
        parent = await session.get(paths.config(ancestor))
        if parent.stat.num_children > 1 or znodes.decode_config(ancestor, parent):
            break
        ops.append(Delete(paths.config(ancestor), parent.stat.version))
    return ops


def _ancestors(entity_path: str) -> list[str]:
    """`users/alice`, `users/alice/clients` of users/alice/clients/app; none of users/alice."""
    parts = entity_path.split("/")
    return ["/".join(parts[:depth]) for depth in range(2, len(parts))]


@attrs.define(eq=False)
class ConfigChanges:
    """Follows the notifications, through one session after another."""

    recorder: Recorder
    clock_ms: Callable[[], int]
    _seen: frozenset[str] = frozenset()  # the notifications handed on, of those that are there

    async def follow(self, session: Session, changed: trio.MemorySendChannel[str]) -> None:
        """Send each changed entity's path, such as `topics/orders`, until SessionLost."""
        with session.subscribe() as events:
            while True:
                names = await session.children(paths.CONFIG_CHANGES, watch=True)
                await self._hand_on(session, names, changed)
                await until_change(events, paths.CONFIG_CHANGES)

    async def _hand_on(
        self, session: Session, names: Sequence[str], changed: trio.MemorySendChannel[str]
    ) -> None:
        """By name, not by number: one made by hand has any, and must not hide those after it."""
        changes = sorted(f"{paths.CONFIG_CHANGES}/{name}" for name in names)
        nodes = await session.get_many(changes)
        expired = []
        for path, node in zip(changes, nodes, strict=True):
            if node is None:
                continue  # another broker was faster to purge it
            if path not in self._seen:
                try:
                    entity_path = znodes.decode_config_change(path, node)
                except znodes.BadZnode as error:
                    self.recorder("config.change_unreadable", path=path, why=error.why)
                else:
                    await changed.send(entity_path)
            if self.clock_ms() - node.stat.ctime_ms > NOTIFICATION_LIFE_MS:
                expired.append([Delete(path)])
        self._seen = frozenset(changes)
        await session.multi_many(expired)  # whatever fails here, the next one to come deletes
