"""AlterUserScramCredentials: give users credentials, or take them away (KIP-554).

Only the controller does it; others answer NOT_CONTROLLER, and clients look for it anew. All that is
asked for a user is done, or nothing.

Kafka: ZkAdminManager.alterUserScramCredentials.
"""

from collections.abc import Mapping, Sequence

import attrs

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from broker.zookeeper import zookeeper_errors
from coordination.client_quotas import USER, QuotaEntity
from coordination.configs import change_config
from coordination.scram import MAX_ITERATIONS, MECHANISMS, credential_of


@attrs.frozen
class UserChange:
    """What is asked for one user."""

    name: str
    deletions: Sequence[ScramCredentialDeletion]
    upsertions: Sequence[ScramCredentialUpsertion]

    def check(self) -> None:
        """Raises `KafkaError` for what cannot be done for anybody."""
        asked = [each.mechanism for each in self.deletions]
        asked += [each.mechanism for each in self.upsertions]
        if self.name in ("", ".", ".."):
            why = "Username must not be empty" if not self.name else "This name has no place"
            raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, why)
        if not MECHANISMS.keys() >= set(asked):
            raise KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")
        for each in self.upsertions:
            if each.iterations < MECHANISMS[each.mechanism].min_iterations:
                raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too few iterations")
            if each.iterations > MAX_ITERATIONS:
                raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too many iterations")
        if len(set(asked)) < len(asked):
            raise KafkaError(
                ErrorCode.DUPLICATE_RESOURCE,
                "A user credential cannot be altered twice in the same request",
            )

    def apply(self, config: Mapping[str, str]) -> dict[str, str]:
        """The user's config afterwards; raises `KafkaError` RESOURCE_NOT_FOUND."""
        after = dict(config)
        for deletion in self.deletions:
            if after.pop(MECHANISMS[deletion.mechanism].name, None) is None:
                raise KafkaError(
                    ErrorCode.RESOURCE_NOT_FOUND,
                    "Attempt to delete a user credential that does not exist",
                )
        for each in self.upsertions:
            mechanism = MECHANISMS[each.mechanism]
            credential = credential_of(mechanism, each.salt, each.salted_password, each.iterations)
            after[mechanism.name] = str(credential)
        return after


async def handle(
    broker: Broker, context: RequestContext, request: AlterUserScramCredentialsRequest
) -> AlterUserScramCredentialsResponse:
    names = [each.name for each in request.deletions]
    names += [each.name for each in request.upsertions]
    changes = [
        UserChange(
            name,
            [each for each in request.deletions if each.name == name],
            [each for each in request.upsertions if each.name == name],
        )
        for name in dict.fromkeys(names)
    ]
    return AlterUserScramCredentialsResponse(
        results=[await _alter(broker, context, change) for change in changes]
    )


async def _alter(
    broker: Broker, context: RequestContext, change: UserChange
) -> AlterUserScramCredentialsResult:
    result = AlterUserScramCredentialsResult(user=change.name)
    try:
        if not broker.is_controller:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        context.require(Resource.CLUSTER)
        change.check()
        path = QuotaEntity.of({USER: change.name}).config_path
        with zookeeper_errors():
            await change_config(await broker.configs.session(), path, change.apply)
    except KafkaError as error:
        result.error_code, result.error_message = error.code, error.message
    return result
