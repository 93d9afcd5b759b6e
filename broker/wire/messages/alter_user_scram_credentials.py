"""AlterUserScramCredentials: give users credentials, or take them away (KIP-554).

The password does not travel: the client salts and stretches it.  `mechanism`: 1 SCRAM-SHA-256,
2 SCRAM-SHA-512.
"""

from broker.wire.schema import BYTES, INT8, INT16, INT32, STRING, array, message, struct, wire


@struct
class ScramCredentialDeletion:
    name: str = wire(STRING, "0+")
    mechanism: int = wire(INT8, "0+")


@struct
class ScramCredentialUpsertion:
    name: str = wire(STRING, "0+")
    mechanism: int = wire(INT8, "0+")
    iterations: int = wire(INT32, "0+")
    salt: bytes = wire(BYTES, "0+")
    salted_password: bytes = wire(BYTES, "0+")


@message(versions="0", flexible="0+")
class AlterUserScramCredentialsRequest:
    deletions: list[ScramCredentialDeletion] = wire(array(ScramCredentialDeletion), "0+")
    upsertions: list[ScramCredentialUpsertion] = wire(array(ScramCredentialUpsertion), "0+")


@struct
class AlterUserScramCredentialsResult:
    user: str = wire(STRING, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")


@message(versions="0", flexible="0+")
class AlterUserScramCredentialsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    results: list[AlterUserScramCredentialsResult] = wire(
        array(AlterUserScramCredentialsResult), "0+"
    )
