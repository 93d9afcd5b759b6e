"""UpdateFeatures: finalize features at a level, or forget them (KIP-584); on the controller.

Versions:
       0  a downgrade is allowed by a flag
       1  the type of the move instead of the flag, and validating only (KIP-778)
"""

from broker.wire.schema import BOOL, INT8, INT16, INT32, STRING, array, message, struct, wire


@struct
class FeatureUpdateKey:
    feature: str = wire(STRING, "0+")
    max_version_level: int = wire(INT16, "0+")  # below 1: forget the feature
    allow_downgrade: bool = wire(BOOL, "0")
    # 1: upgrade; 2: downgrade that loses nothing; 3: downgrade that may
    upgrade_type: int = wire(INT8, "1+", default=1)


@message(versions="0-1", flexible="0+")
class UpdateFeaturesRequest:
    timeout_ms: int = wire(INT32, "0+", default=60_000)
    feature_updates: list[FeatureUpdateKey] = wire(array(FeatureUpdateKey), "0+")
    validate_only: bool = wire(BOOL, "1+")


@struct
class UpdatableFeatureResult:
    feature: str = wire(STRING, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")


@message(versions="0-1", flexible="0+")
class UpdateFeaturesResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    results: list[UpdatableFeatureResult] = wire(array(UpdatableFeatureResult), "0+")
