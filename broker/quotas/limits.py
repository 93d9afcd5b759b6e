"""Which limit counts for a client: of all that are set, the one that says most about him.

    for                      found as                          shared by
    user and client-id       (alice, app)                      that user's clients of that id
    .. any client-id         (alice, default)                  the same
    user                     (alice, none)                     all of that user
    any user and client-id   (default, app)                    that user's clients of that id
    .. any client-id         (default, default)                the same
    any user                 (default, none)                   all of that user
    client-id                (none, app)                       all clients of that id, of all users
    any client-id            (none, default)                   the same

A default is a limit for each that it stands for, not one for all of them together. A client that
gives no id has no limit but its user's.

Kafka: ClientQuotaManager.DefaultQuotaCallback.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from coordination.client_quotas import CLIENT_ID, USER, QuotaEntity

# In place of a name: that of any user or client, and that it doesn't matter.
DEFAULT: Final = None
NONE: Final = ""

# The names of a user and a client.
Names = tuple[str | None, str | None]


@attrs.frozen
class Limits:
    """All that are set of one quota."""

    by_names: Mapping[Names, float] = attrs.field(factory=dict)

    @classmethod
    def of(cls, quota: str, current: Mapping[QuotaEntity, Mapping[str, float]]) -> "Limits":
        found: dict[Names, float] = {}
        for entity, limits in current.items():
            names = entity.name_of
            # What is no number can be set, and limits nobody: to Kafka it is no time to be quiet.
            limit = limits.get(quota, math.nan)
            if not math.isnan(limit) and (USER in names or CLIENT_ID in names):
                found[names.get(USER, NONE), names.get(CLIENT_ID, NONE)] = limit
        return cls(found)

    def __bool__(self) -> bool:
        return bool(self.by_names)

    def of_client(self, user: str, client_id: str) -> tuple[Names, float] | None:
        """Who shares his limit, and the limit; None if he has none."""
        for names, shared_by in _levels(user, client_id):
            limit = self.by_names.get(names)
            if limit is not None:
                return shared_by, limit
        return None


def _levels(user: str, client_id: str) -> Iterator[tuple[Names, Names]]:
    both, all_of_user = (user, client_id), (user, NONE)
    if client_id:
        yield both, both
        yield (user, DEFAULT), both
    yield all_of_user, all_of_user
    if client_id:
        yield (DEFAULT, client_id), both
        yield (DEFAULT, DEFAULT), both
    yield (DEFAULT, NONE), all_of_user
    if client_id:
        yield (NONE, client_id), (NONE, client_id)
        yield (NONE, DEFAULT), (NONE, client_id)
