"""What differs between two answers, and a report that groups what many examples have found."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import attrs

from broker.wire.apis import ApiKey
from tests.interop.differential.differences import Found, deliberate
from tests.interop.differential.normalising import RULES, Rule, normal
from tests.interop.differential.pair import Pair

# Of each group: so much is enough to see it with.
REQUEST_CHARACTERS = 900
VALUE_CHARACTERS = 300


def differences(kafka: Any, ours: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, Kafka's value and ours, of whatever is not the same in two trees."""
    if isinstance(kafka, dict) and isinstance(ours, dict):
        for name in kafka | ours:
            yield from differences(
                kafka.get(name), ours.get(name), f"{path}.{name}" if path else name
            )
    elif isinstance(kafka, list) and isinstance(ours, list) and len(kafka) == len(ours):
        for one, other in zip(kafka, ours, strict=True):
            yield from differences(one, other, f"{path}[]")
    elif kafka != ours or type(kafka) is not type(ours):
        yield path, kafka, ours


@attrs.define
class Comparison:
    """All that one test asked, and what differed."""

    pair: Pair
    asked: int = 0
    answered: int = 0
    found: list[Found] = attrs.field(factory=list)
    # What was needed to find two answers alike: names of rules and of deliberate differences.
    needed: set[tuple[str, str]] = attrs.field(factory=set)

    def ask(self, key: ApiKey, version: int, request: Any) -> None:
        """Ask both, and note each difference that is not meant."""
        answers = self.pair.ask(key, version, request)
        self.asked += 1
        kafka, ours = self._trees(key, answers)
        self.answered += isinstance(ours, dict)
        for path, theirs, own in differences(kafka, ours):
            found = Found(key, version, path, theirs, own, request, answers)
            meant = deliberate(found)
            if meant is None:
                self.found.append(found)
            else:
                self.needed.add((meant.name, key.name))
        for rule in RULES:
            if (rule.name, key.name) not in self.needed:
                one, other = self._trees(key, answers, without=rule)
                if one != other and kafka == ours:
                    self.needed.add((rule.name, key.name))

    def _trees(
        self, key: ApiKey, answers: tuple[Any, Any], without: Rule | None = None
    ) -> list[Any]:
        return [
            normal(key, side.names, answer, without)
            for side, answer in zip(self.pair.sides, answers, strict=True)
        ]

    def check(self) -> None:
        """Fail with a report if anything differed."""
        assert not self.found, self.report()

    def report(self) -> str:
        groups: dict[tuple[str, str, str, str], list[Found]] = defaultdict(list)
        for found in self.found:
            values = (str(found.kafka)[:VALUE_CHARACTERS], str(found.ours)[:VALUE_CHARACTERS])
            groups[found.key.name, found.path, *values].append(found)
        lines = [f"{len(self.found)} differences in {self.asked} requests"]
        for (api, path, kafka, ours), members in sorted(groups.items()):
            first = members[0]
            versions = sorted({member.version for member in members})
            lines += [
                "",
                f"{len(members)}x {api} {versions} {path or 'the answer'}",
                f"    Kafka  {kafka}",
                f"    ours   {ours}",
                f"    v{first.version}: {str(first.request)[:REQUEST_CHARACTERS]}",
            ]
        return "\n".join(lines)
