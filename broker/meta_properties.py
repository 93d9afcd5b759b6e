"""meta.properties: whose data a log directory holds.

Each directory of `log.dirs` says once which broker of which cluster wrote it, so that a wrong
`broker.id` or `zookeeper.connect` is found before anything is served or deleted:

    #
    #Sun Nov 22 10:45:37 UTC 2026
    broker.id=1
    cluster.id=gY1VH7DITTywQTqfhz4oEg
    version=0

The order at start: `load_meta_properties` of each directory; `verify` with the cluster's id from
ZooKeeper; the broker's id is the configured one, else `stored_broker_id`, else a generated one;
`write_meta_properties` into the directories whose file is missing or incomplete. A directory
without the file is new, or a disk that was replaced: it is adopted. Other keys of a file
(`directory.id`) are kept. One whose file can't be read or makes no sense is offline, as any other
that fails, and the broker runs with the others.

Version 1 is KRaft's; its directories belong to another kind of cluster, and that ends the start.

Source: Kafka's `MetaPropertiesEnsemble`, `MetaProperties`, `KafkaServer.getOrGenerateBrokerId`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

from broker.config.java_properties import (
    PropertiesSyntaxError,
    format_properties,
    parse_properties,
)
from broker.failure import BrokerFailure
from broker.log.disk import Disk, replace_file

FILE_NAME: Final = "meta.properties"
_VERSION: Final = "version"
_BROKER_ID: Final = "broker.id"
_CLUSTER_ID: Final = "cluster.id"


class MetaPropertiesError(BrokerFailure):
    """A log directory that this broker must not use; one line that names the file."""


class UnreadableMetaProperties(Exception):  # named for what was found
    """Nobody can tell whose this directory is; one line that names the file."""


class InconsistentBrokerIdError(MetaPropertiesError):
    """The directory was written by another broker."""


class InconsistentClusterIdError(MetaPropertiesError):
    """The directory was written in another cluster."""


@attrs.frozen
class MetaProperties:
    """One file. broker_id, cluster_id: None if the file does not say; others: any other key."""

    broker_id: int | None
    cluster_id: str | None
    others: Mapping[str, str] = attrs.field(factory=dict)


def load_meta_properties(log_dir: Path) -> MetaProperties | None:
    """Reads a directory's file (None: it has none).

    MetaPropertiesError for one of another kind of cluster, UnreadableMetaProperties for garbage.
    """
    path = log_dir / FILE_NAME
    try:
        return _from_properties(path, parse_properties(path.read_bytes()))
    except FileNotFoundError:
        return None
    except PropertiesSyntaxError as error:
        raise UnreadableMetaProperties(f"{path}: {error}") from None
    except OSError as error:
        raise UnreadableMetaProperties(f"{path}: {error.strerror}") from None


def stored_broker_id(loaded: Mapping[Path, MetaProperties | None]) -> int | None:
    """The id that the directories agree on, or None if none names one."""
    ids = {
        path: meta.broker_id
        for path, meta in loaded.items()
        if meta is not None and meta.broker_id is not None
    }
    if len(set(ids.values())) > 1:
        listed = ", ".join(f"{path / FILE_NAME} has {broker_id}" for path, broker_id in ids.items())
        raise InconsistentBrokerIdError(f"The log directories belong to several brokers: {listed}")
    return next(iter(ids.values()), None)


def verify(
    loaded: Mapping[Path, MetaProperties | None], broker_id: int | None, cluster_id: str
) -> None:
    """Raises MetaPropertiesError unless all directories are of this broker and this cluster.

    broker_id: the configured one; None while none is configured, then they need only agree.
    """
    if broker_id is None:
        broker_id = stored_broker_id(loaded)
    for log_dir, meta in loaded.items():
        path = log_dir / FILE_NAME
        if meta is None:
            continue
        if meta.cluster_id not in (None, cluster_id):
            raise InconsistentClusterIdError(
                f"The Cluster ID {cluster_id} doesn't match stored clusterId {meta.cluster_id} in "
                f"{path}. The broker is trying to join the wrong cluster. Configured "
                "zookeeper.connect may be wrong."
            )
        if meta.broker_id not in (None, broker_id):
            raise InconsistentBrokerIdError(
                f"Configured broker.id {broker_id} doesn't match stored broker.id {meta.broker_id} "
                f"in {path}. If you moved your data, make sure your configured broker.id matches. "
                "If you intend to create a new broker, you should remove all data in your data "
                "directories."
            )


def write_meta_properties(
    disk: Disk,
    log_dir: Path,
    stored: MetaProperties | None,
    broker_id: int,
    cluster_id: str,
    now: datetime | None = None,
) -> None:
    """Completes the file if it doesn't say it all yet; a crash leaves the old one or the new.

    now: for the date in the comment, in UTC. Raises OSError.
    """
    complete = MetaProperties(broker_id, cluster_id, stored.others if stored else {})
    if stored == complete:
        return
    content = format_properties(
        {
            **complete.others,
            _VERSION: "0",
            _BROKER_ID: str(broker_id),
            _CLUSTER_ID: cluster_id,
        },
        "",
        (now or datetime.now(UTC)).strftime("%a %b %d %H:%M:%S UTC %Y"),
    )
    replace_file(disk, log_dir / FILE_NAME, content, sync=True)


def _from_properties(path: Path, properties: dict[str, str]) -> MetaProperties:
    version = properties.pop(_VERSION, "0").strip()
    if version != "0":
        raise MetaPropertiesError(
            f"Found unexpected version in {path}. ZK-based brokers that are not migrating only "
            "support version 0 (which is implicit when the `version` field is missing)."
        )
    broker_id = properties.pop(_BROKER_ID, None)
    cluster_id = properties.pop(_CLUSTER_ID, None)
    if broker_id is not None and not broker_id.strip().isdecimal():
        raise UnreadableMetaProperties(
            f"Unable to read {_BROKER_ID} as a base-10 number in {path}."
        )
    return MetaProperties(None if broker_id is None else int(broker_id), cluster_id, properties)
