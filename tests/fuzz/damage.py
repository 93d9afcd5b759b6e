"""Damage to good bytes, by a seeded source of chance."""

import random
from typing import Final

_BYTES: Final = (0, 1, 0x7F, 0x80, 0xFF)
_NUMBERS: Final = (
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xff\xff\xff\x0f",  # as a varint: large
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # the longest varint
)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three places changed, cut, put in or moved; extreme values favoured."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(out)) if out else 0
        match rng.randrange(7):
            case 0:
                out[at : at + 1] = bytes([rng.choice(_BYTES)])
            case 1:
                number = rng.choice(_NUMBERS)
                out[at : at + len(number)] = number
            case 2:
                del out[at:]
            case 3:
                out[at:at] = rng.randbytes(rng.randint(1, 6))
            case 4:
                if out:
                    out[at] ^= 1 << rng.randrange(8)
            case 5:
                del out[at : at + rng.randint(1, 8)]
            case 6:
                piece = out[at : at + rng.randint(1, 16)]
                to = rng.randrange(len(out) + 1)
                out[to:to] = piece
    return bytes(out)
