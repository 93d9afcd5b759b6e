"""meta.properties: whose data a log directory holds.

Each directory of `log.dirs` says once which broker of which cluster wrote it, so that a wrong
`broker.id` or `zookeeper.connect` is found before anything is served or deleted:

    #
    #Sun Nov 22 10:45:37 UTC 2026
    broker.id=1
    cluster.id=gY1VH7DITTywQTqfhz4oEg
    version=0

The order at start: `load_meta_properties` of all directories; `verify` with the cluster's id from
ZooKeeper; the broker's id is the configured one, else `stored_broker_id`, else a generated one;
`write_meta_properties` into the directories whose file is missing or incomplete. A directory
without the file is new, or a disk that was replaced: it is adopted. Other keys of a file
(`directory.id`) are kept.

Version 1 is KRaft's; its directories belong to another kind of cluster.

Source: Kafka's `MetaPropertiesEnsemble`, `MetaProperties`, `KafkaServer.getOrGenerateBrokerId`.
"""

import os
from collections.abc import Iterable, Mapping
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

FILE_NAME: Final = "meta.properties"
_VERSION: Final = "version"
_BROKER_ID: Final = "broker.id"
_CLUSTER_ID: Final = "cluster.id"


class MetaPropertiesError(BrokerFailure):
    """A log directory that this broker must not use; one line that names the file."""


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


def load_meta_properties(log_dirs: Iterable[Path]) -> dict[Path, MetaProperties | None]:
    """Reads the file of each directory (None: it has none); raises MetaPropertiesError."""
    loaded: dict[Path, MetaProperties | None] = {}
    for log_dir in log_dirs:
        path = log_dir / FILE_NAME
        try:
            properties = parse_properties(path.read_bytes())
        except FileNotFoundError:
            loaded[log_dir] = None
        except PropertiesSyntaxError as error:
            raise MetaPropertiesError(f"{path}: {error}") from None
        except OSError as error:
            raise MetaPropertiesError(f"{path}: {error.strerror}") from None
        else:
            loaded[log_dir] = _from_properties(path, properties)
    return loaded


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
    loaded: Mapping[Path, MetaProperties | None],
    broker_id: int,
    cluster_id: str,
    now: datetime | None = None,
) -> None:
    """Completes the files that do not say it all yet; a crash leaves the old file or the new one.

    now: for the date in the comment, in UTC.
    """
    for log_dir, meta in loaded.items():
        complete = MetaProperties(broker_id, cluster_id, meta.others if meta else {})
        if meta != complete:
            path = log_dir / FILE_NAME
            try:
                _replace_file(path, complete, now or datetime.now(UTC))
            except OSError as error:
                raise MetaPropertiesError(f"{path}: {error.strerror}") from None


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
        raise MetaPropertiesError(f"Unable to read {_BROKER_ID} as a base-10 number in {path}.")
    return MetaProperties(None if broker_id is None else int(broker_id), cluster_id, properties)


def _replace_file(path: Path, meta: MetaProperties, now: datetime) -> None:
    content = format_properties(
        {
            **meta.others,
            _VERSION: "0",
            _BROKER_ID: str(meta.broker_id),
            _CLUSTER_ID: str(meta.cluster_id),
        },
        "",
        now.strftime("%a %b %d %H:%M:%S UTC %Y"),
    )
    draft = path.with_name(path.name + ".tmp")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
