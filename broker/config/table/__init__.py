"""Every name that Kafka 3.9's `server.properties` knows: type, default, what is allowed.

The rows are facts of `KafkaConfig`'s ConfigDef (tests/broker/config/test_table.py compares them
with a real broker). They say nothing of what zbroker does with a name: a name is in use when
`BrokerConfig` has a field for it, see broker_config.py; the others are recognised, checked and
listed in one warning.
"""

from typing import Final

from broker.config.table.coordinators import COORDINATORS
from broker.config.table.elsewhere import ELSEWHERE
from broker.config.table.network import NETWORK
from broker.config.table.security import SECURITY
from broker.config.table.storage import STORAGE
from broker.config.values import Property

BROKER_PROPERTIES: Final[dict[str, Property]] = {
    row.name: row for rows in (NETWORK, STORAGE, COORDINATORS, SECURITY, ELSEWHERE) for row in rows
}
