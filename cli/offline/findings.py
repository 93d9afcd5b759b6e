"""What a check has found so far, and who wants to know how far it is."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import attrs

from cli.offline.read_only import Damage

# An index of another log is wrong in each of its entries, and says no more by them than by some.
MOST_OF_A_FILE = 20


@attrs.define(eq=False)
class Findings:
    """Each damage, but of a file with very many only the first ones, and how many there are."""

    read: Callable[[int], None] = lambda _: None  # told of each stretch of bytes behind us
    _damage: list[Damage] = attrs.field(factory=list, init=False)
    _counts: Counter[Path] = attrs.field(factory=Counter, init=False)

    def add(self, file: Path, position: int | None, problem: str) -> None:
        self.add_all(Damage(file, position, problem))

    def add_all(self, *damage: Damage) -> None:
        for each in damage:
            self._counts[each.file] += 1
            if self._counts[each.file] <= MOST_OF_A_FILE:
                self._damage.append(each)

    def damage(self) -> list[Damage]:
        """In the order in which it was found."""
        more = [
            Damage(file, None, f"{count - MOST_OF_A_FILE} more")
            for file, count in self._counts.items()
            if count > MOST_OF_A_FILE
        ]
        return [*self._damage, *more]
