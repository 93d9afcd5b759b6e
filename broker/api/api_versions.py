"""ApiVersions: what this broker speaks. The first thing most clients ask."""

import re

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.apis import API_TABLE, Api, ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse

FIRST_VERSION_WITH_SOFTWARE_NAME = 3
# KIP-511: they become names of metrics, so not every character will do.
LEGAL_SOFTWARE_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?")


async def handle(
    broker: Broker, context: RequestContext, request: ApiVersionsRequest
) -> ApiVersionsResponse:
    if context.api_version >= FIRST_VERSION_WITH_SOFTWARE_NAME and not (
        LEGAL_SOFTWARE_NAME.fullmatch(request.client_software_name)
        and LEGAL_SOFTWARE_NAME.fullmatch(request.client_software_version)
    ):
        return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
    return ApiVersionsResponse(api_keys=supported(), finalized_features_epoch=broker.features.epoch)


def unsupported_version() -> ApiVersionsResponse:
    """To a version of ApiVersions that we don't know: those that we do know (KIP-511).

    The other APIs are left out, as Kafka does: the client asks again.
    """
    own = _row(API_TABLE[ApiKey.API_VERSIONS])
    return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[own])


def supported() -> list[ApiVersion]:
    return [_row(api) for api in API_TABLE.values()]


def _row(api: Api) -> ApiVersion:
    return ApiVersion(api_key=api.key, min_version=api.min_version, max_version=api.max_version)
