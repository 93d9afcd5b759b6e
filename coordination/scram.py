"""SCRAM credentials in a user's config: what is kept of a password (RFC 5802).

    /config/users/alice   "SCRAM-SHA-256": "salt=..,stored_key=..,server_key=..,iterations=4096"

    stored_key = H(HMAC(salted password, "Client Key"))     what a client must prove to know
    server_key =   HMAC(salted password, "Server Key")      what the server proves to know

Neither gives away the password, or the key that a client needs. Bytes are in base64.

Source: Kafka's `ScramMechanism`, `ScramFormatter`, `ScramCredentialUtils`; KIP-84, KIP-554.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

import attrs


@attrs.frozen
class ScramMechanism:
    """`number` is that of the requests."""

    number: int
    name: str
    digest: str
    min_iterations: int = 4096


MECHANISMS: Final = {
    each.number: each
    for each in (
        ScramMechanism(1, "SCRAM-SHA-256", "sha256"),
        ScramMechanism(2, "SCRAM-SHA-512", "sha512"),
    )
}
MAX_ITERATIONS: Final = 16384


@attrs.frozen
class ScramCredential:
    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int

    def __str__(self) -> str:
        def text(data: bytes) -> str:
            return base64.b64encode(data).decode()

        return (
            f"salt={text(self.salt)},stored_key={text(self.stored_key)},"
            f"server_key={text(self.server_key)},iterations={self.iterations}"
        )

    @classmethod
    def parse(cls, text: str) -> "ScramCredential":
        """Raises ValueError for what is none."""
        fields = dict(part.partition("=")[::2] for part in text.split(","))
        if fields.keys() != {"salt", "stored_key", "server_key", "iterations"}:
            raise ValueError("Credentials not valid")
        try:
            return cls(
                base64.b64decode(fields["salt"]),
                base64.b64decode(fields["stored_key"]),
                base64.b64decode(fields["server_key"]),
                int(fields["iterations"]),
            )
        except binascii.Error as error:
            raise ValueError("Credentials not valid") from error


def credential_of(
    mechanism: ScramMechanism, salt: bytes, salted_password: bytes, iterations: int
) -> ScramCredential:
    """What to keep of a password that the client has salted."""
    client_key = hmac.digest(salted_password, b"Client Key", mechanism.digest)
    return ScramCredential(
        salt,
        hashlib.new(mechanism.digest, client_key).digest(),
        hmac.digest(salted_password, b"Server Key", mechanism.digest),
        iterations,
    )
