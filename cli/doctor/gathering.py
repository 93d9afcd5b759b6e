"""One look: asks ZooKeeper first, then every broker, then the coordinators of transactions.

    addresses ──► znodes ──► each broker's cache ──► each replica's log ──► hanging transactions

What is asked later may be newer; so what a check compares is only sure after several looks
(`verdict`). Whoever doesn't answer is waited for a few seconds, and not once more in this look.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress

import attrs
import trio

from cli.client import Address, ClientError, Cluster, open_cluster
from cli.client.configs import Resource, ResourceType, describe_configs
from cli.client.hanging import OpenTransaction, find_hanging
from cli.doctor.acting import read_acting
from cli.doctor.brokers import PATIENCE_SECONDS, open_brokers, read_cache
from cli.doctor.facts import Facts, Znodes
from cli.doctor.replicas import read_logs
from cli.doctor.tree import read_znodes
from coordination.store import Session

# As transaction.max.timeout.ms is by itself: one that is open for longer can't end any more.
LONGEST_TRANSACTION_MS = 15 * 60_000
COORDINATORS_PATIENCE_SECONDS = 10.0


@attrs.frozen
class Ensemble:
    """What is looked at. `http`: some brokers' http.listener."""

    bootstrap: tuple[Address, ...]
    session: Session
    chroot: str = ""
    http: tuple[Address, ...] = ()


async def gather(ensemble: Ensemble, say: Callable[[str], None]) -> Facts:
    """Raises `StoreError`, and `ClientError` if no broker at all answers."""
    async with aclosing(Cluster(ensemble.bootstrap)) as cluster:
        addresses = await cluster.brokers()
        say("reading the znodes")
        znodes = await read_znodes(ensemble.session, ensemble.chroot)
        compacted = await _compacted(cluster, znodes)
    async with open_brokers(znodes.brokers, addresses) as brokers:
        say(f"asking {len(brokers.clusters)} brokers what they were told")
        caches = await brokers.ask(read_cache)
        say(f"comparing the logs of {len(znodes.states)} partitions")
        logs = await read_logs(brokers, znodes, caches, compacted)
    say("looking for transactions that hang")
    hanging, why_no_hanging = await _hanging(ensemble.bootstrap, znodes, brokers.silent)
    acting, why_not_acting = await read_acting(ensemble.http)
    return Facts(
        znodes,
        caches,
        brokers.silent,
        logs,
        hanging,
        why_no_hanging,
        acting,
        why_not_acting,
    )


async def _compacted(cluster: Cluster, znodes: Znodes) -> frozenset[str]:
    """The topics that are compacted; all, if nobody says: then less is compared, but rightly so."""
    resources = [Resource(ResourceType.TOPIC, name) for name in znodes.topics]
    with trio.move_on_after(PATIENCE_SECONDS), suppress(ClientError):
        return frozenset(
            topic.name
            for topic, entries in (await describe_configs(cluster, resources)).items()
            for each in entries
            if each.name == "cleanup.policy" and "compact" in (each.value or "")
        )
    return frozenset(znodes.topics)


async def _hanging(
    bootstrap: Sequence[Address], znodes: Znodes, silent: Mapping[int, str]
) -> tuple[tuple[OpenTransaction, ...] | None, str | None]:
    """The transactions that hang; None, and why, if not all of those who know answer."""
    if silent:
        return None, "some brokers don't answer, and may coordinate it"
    led = [
        partition
        for partition, state in znodes.states.items()
        if state.leader in znodes.brokers and partition.topic not in znodes.deleting
    ]
    begun_before_ms = round(time.time() * 1000) - LONGEST_TRANSACTION_MS
    try:
        async with open_cluster(
            bootstrap, timeout_seconds=COORDINATORS_PATIENCE_SECONDS
        ) as cluster:
            found = await find_hanging(
                cluster, led, broker_id=None, begun_before_ms=begun_before_ms
            )
            return tuple(found), None
    except ClientError as error:
        return None, str(error)
