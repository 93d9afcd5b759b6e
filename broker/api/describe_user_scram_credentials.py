"""DescribeUserScramCredentials: which mechanisms a user has credentials for (KIP-554).

Kafka: ZkAdminManager.describeUserScramCredentials.
"""

from collections.abc import Mapping

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)
from broker.zookeeper import zookeeper_errors
from coordination.client_quotas import USER, read_quotas
from coordination.scram import MECHANISMS, ScramCredential


async def handle(
    broker: Broker, context: RequestContext, request: DescribeUserScramCredentialsRequest
) -> DescribeUserScramCredentialsResponse:
    try:
        with zookeeper_errors():
            configs = await read_quotas(await broker.configs.session(), broker.events)
    except KafkaError as error:
        return DescribeUserScramCredentialsResponse(
            error_code=error.code, error_message=error.message
        )
    users = {
        name: config
        for entity, config in configs.items()
        for name in [entity.name_of.get(USER)]
        if name is not None and len(entity.names) == 1
    }
    asked = [user.name for user in request.users or ()]
    if not asked:
        results = [_describe(name, users[name]) for name in sorted(users)]
        results = [each for each in results if each.error_code != ErrorCode.RESOURCE_NOT_FOUND]
    else:
        results = [
            _duplicate(name) if name and asked.count(name) > 1 else _describe(name, users.get(name))
            for name in dict.fromkeys(asked)
        ]
    return DescribeUserScramCredentialsResponse(results=results)


def _describe(user: str, config: Mapping[str, str] | None) -> DescribeUserScramCredentialsResult:
    result = DescribeUserScramCredentialsResult(user=user)
    stored = {each: (config or {}).get(each.name) for each in MECHANISMS.values()}
    if not user or not any(stored.values()):
        result.error_code = ErrorCode.RESOURCE_NOT_FOUND
        result.error_message = (
            f"Attempt to describe a user credential that does not exist: {user}"
            if user
            else "Username must not be empty"
        )
        return result
    try:
        result.credential_infos = [
            CredentialInfo(
                mechanism=mechanism.number, iterations=ScramCredential.parse(text).iterations
            )
            for mechanism, text in stored.items()
            if text is not None
        ]
    except ValueError as error:  # somebody wrote it by hand
        result.error_code = ErrorCode.UNKNOWN_SERVER_ERROR
        result.error_message = str(error)
    return result


def _duplicate(user: str) -> DescribeUserScramCredentialsResult:
    return DescribeUserScramCredentialsResult(
        user=user,
        error_code=ErrorCode.DUPLICATE_RESOURCE,
        error_message="Cannot describe SCRAM credentials for the same user twice in a single "
        f"request: {user}",
    )
