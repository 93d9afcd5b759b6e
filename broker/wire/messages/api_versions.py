"""ApiVersions: which versions of which APIs the broker speaks; the first thing a client says.

It is the one question that may come in a version which the broker does not know.  The answer then
has version 0 and error UNSUPPORTED_VERSION, with the broker's own range for ApiVersions in it, and
the client asks again.  That is also why its response header never becomes flexible (KIP-511).

Versions:
       1  throttle time
       3  flexible; the client's software names itself (KIP-511), features (KIP-584)
       4  a feature's minimum version may be 0 (KAFKA-17011)
"""

from broker.wire.schema import BOOL, INT16, INT32, INT64, STRING, array, message, struct, wire


@message(versions="0-4", flexible="3+")
class ApiVersionsRequest:
    client_software_name: str = wire(STRING, "3+", ignorable=True)
    client_software_version: str = wire(STRING, "3+", ignorable=True)


@struct
class ApiVersion:
    api_key: int = wire(INT16, "0+")
    min_version: int = wire(INT16, "0+")
    max_version: int = wire(INT16, "0+")


@struct
class SupportedFeatureKey:
    name: str = wire(STRING, "3+")
    min_version: int = wire(INT16, "3+")
    max_version: int = wire(INT16, "3+")


@struct
class FinalizedFeatureKey:
    name: str = wire(STRING, "3+")
    max_version_level: int = wire(INT16, "3+")
    min_version_level: int = wire(INT16, "3+")


@message(versions="0-4", flexible="3+")
class ApiVersionsResponse:
    error_code: int = wire(INT16, "0+")
    api_keys: list[ApiVersion] = wire(array(ApiVersion), "0+")
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    supported_features: list[SupportedFeatureKey] = wire(
        array(SupportedFeatureKey), "3+", ignorable=True, tag=0
    )
    finalized_features_epoch: int = wire(INT64, "3+", default=-1, ignorable=True, tag=1)
    finalized_features: list[FinalizedFeatureKey] = wire(
        array(FinalizedFeatureKey), "3+", ignorable=True, tag=2
    )
    zk_migration_ready: bool = wire(BOOL, "3+", ignorable=True, tag=3)
