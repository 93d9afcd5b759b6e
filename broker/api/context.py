"""Who asks, through what: the part of a request that is not in its body. And what he may."""

from collections.abc import Callable

import attrs

from broker.api.permissions import CLUSTER_NAME, DENIED, OPERATIONS, Operation, Resource, needed
from broker.wire.apis import ApiKey
from broker.wire.errors import KafkaError

# Who asks, to do what, with which kind of resource of which name -> whether he may.
Authorizer = Callable[["RequestContext", Operation, Resource, str], bool]


@attrs.frozen
class RequestContext:
    """Handed to every handler. `listener` is the name of the listener it came in by.

    `size_bytes` is what the request had on the wire.
    """

    api_key: ApiKey
    api_version: int
    correlation_id: int
    client_id: str | None
    listener: str
    principal: str
    host: str
    authorizer: Authorizer | None = None
    size_bytes: int = 0

    @property
    def user(self) -> str:
        """By which name quotas know who asks."""
        return self.principal.partition(":")[2]

    @property
    def client(self) -> str:
        """Its client-id, empty if it gives none."""
        return self.client_id or ""

    def may(
        self,
        resource: Resource,
        name: str = CLUSTER_NAME,
        operation: Operation | None = None,
    ) -> bool:
        """Whether who asks has the permission that the API needs for this resource.

        `operation`: which one, if the API's row in `permissions` has several for such resources.
        """
        if self.authorizer is None:
            return True
        return self.authorizer(self, needed(self.api_key, resource, operation), resource, name)

    def require(
        self,
        resource: Resource,
        name: str = CLUSTER_NAME,
        operation: Operation | None = None,
    ) -> None:
        """As `may`; raises `KafkaError` with the code of a denied resource of that kind."""
        if not self.may(resource, name, operation):
            raise KafkaError(DENIED[resource])

    def authorized_operations(self, resource: Resource, name: str = CLUSTER_NAME) -> int:
        """All that who asks may do with this resource: a bit for each, by its number (KIP-430)."""
        return sum(
            1 << operation
            for operation in OPERATIONS[resource]
            if self.authorizer is None or self.authorizer(self, operation, resource, name)
        )

    def authorized_cluster_operations(self) -> int:
        """The same with the cluster; 0 for who may not even describe it."""
        operations = self.authorized_operations(Resource.CLUSTER)
        return operations if operations & (1 << Operation.DESCRIBE) else 0
