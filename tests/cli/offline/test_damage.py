"""Whatever bytes stand in a file: it is read to an end, and what is wrong is told, not raised."""

import random
from pathlib import Path

import pytest

from cli.offline.batch_pieces import Wish
from cli.offline.decoders import offsets, plain, transactions
from cli.offline.dumping import dump
from cli.offline.findings import Findings
from cli.offline.partition import check_partition
from tests.fuzz.damage import damaged

ROUNDS = 30


@pytest.mark.long
@pytest.mark.parametrize("decode", [plain, offsets, transactions])
def test_any_bytes(partition: Path, decode: object) -> None:
    rng = random.Random(decode.__name__)  # type: ignore[attr-defined]
    for file in sorted(partition.iterdir()):
        whole = file.read_bytes()
        for _ in range(ROUNDS):
            file.write_bytes(damaged(whole, rng))
            for wish in (Wish(records=True, contents=True, decode=decode), Wish(sanity_only=True)):
                for each in dump(file, wish):
                    str(each)
            check_partition(partition, Findings())
        file.write_bytes(whole)
