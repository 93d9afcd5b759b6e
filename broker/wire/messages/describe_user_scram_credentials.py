"""DescribeUserScramCredentials: which users have credentials; never the credentials (KIP-554).

`mechanism`: 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
"""

from broker.wire.schema import INT8, INT16, INT32, STRING, array, message, struct, wire


@struct
class UserName:
    name: str = wire(STRING, "0+")


@message(versions="0", flexible="0+")
class DescribeUserScramCredentialsRequest:
    users: list[UserName] | None = wire(array(UserName), "0+", nullable="0+")  # null, none: all


@struct
class CredentialInfo:
    mechanism: int = wire(INT8, "0+")
    iterations: int = wire(INT32, "0+")


@struct
class DescribeUserScramCredentialsResult:
    user: str = wire(STRING, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    credential_infos: list[CredentialInfo] = wire(array(CredentialInfo), "0+")


@message(versions="0", flexible="0+")
class DescribeUserScramCredentialsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    results: list[DescribeUserScramCredentialsResult] = wire(
        array(DescribeUserScramCredentialsResult), "0+"
    )
