"""What /feature finalizes, as a broker tells it to its clients (KIP-584).

ApiVersions carries the finalized features and an epoch, the version of the znode, by which a client
that hears two brokers knows whose word is newer. The controller keeps the znode
(coordination/controller/feature_updates.py); every broker follows it.

A broker in ZooKeeper mode supports no feature, so an enabled znode should have none in it. Whatever
else it says, or if it cannot be read, is named in the trace and the features are unknown, which
clients hear as epoch -1. (Kafka ends the broker when a feature that it does not know is finalized:
then anybody who may write to ZooKeeper could end all brokers at once.)

Source: kafka.server.{FinalizedFeatureChangeListener,ZkMetadataCache}.
"""

import attrs

from coordination.store import NoNode, Session
from coordination.subscriptions import until_change
from coordination.values import Recorder
from coordination.znodes import BadZnode, decode_feature, paths

__all__ = ["UNKNOWN_EPOCH", "FinalizedFeatures"]

UNKNOWN_EPOCH = -1


@attrs.define(eq=False)
class FinalizedFeatures:
    """`epoch` is UNKNOWN_EPOCH while nothing is known, or finalizing is disabled."""

    recorder: Recorder
    epoch: int = UNKNOWN_EPOCH

    async def follow(self, session: Session) -> None:
        """Keep up with the znode until SessionLost; what was known stays for the next session."""
        with session.subscribe() as events:
            while True:
                await session.exists(paths.FEATURE, watch=True)
                await self._read(session)
                await until_change(events, paths.FEATURE)

    async def _read(self, session: Session) -> None:
        try:
            node = await session.get(paths.FEATURE)
            feature = decode_feature(node)
        except NoNode:
            self.epoch = UNKNOWN_EPOCH
            return
        except BadZnode as error:
            self.epoch = UNKNOWN_EPOCH
            self.recorder("znode.unreadable", path=error.path, why=error.why)
            return
        if feature.features:
            why = f"features that no broker here supports are finalized: {sorted(feature.features)}"
            self.recorder("znode.unreadable", path=paths.FEATURE, why=why)
        usable = feature.enabled and not feature.features
        self.epoch = node.stat.version if usable else UNKNOWN_EPOCH
