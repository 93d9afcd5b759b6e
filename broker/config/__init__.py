"""The broker's configuration: Kafka's `server.properties`, its names, types, defaults and rules.

One file starts either broker, so everything here means what it means to Kafka 3.9:

    server.properties ── java_properties ──> {name: text}  + --override
           each text ── values, allowed ───> typed, by the row of its name in table/
            together ── rules, listeners, zookeeper_connect
                     ──> BrokerConfig (frozen; only what zbroker uses)
    /config/brokers/.. ── dynamic (sieve, overlay) ──> another BrokerConfig, while the broker runs
    a request for that ── dynamic_changes ──> refused, or what to store
    a topic's /config/topics/T ── topic_configs ──> LogConfig, over BrokerConfig's defaults
    DescribeConfigs <── described, documentation ── where each value comes from, what it means

Fields that follow from several properties are in `derived`, names without effect in `warnings`,
the one property that Kafka lacks in `http_listener`.

Invariants:
- A value is text until its row has parsed it; a wrong one is a ConfigError with Kafka's words, and
  the command ends with one line that names file, key, value and what is allowed.
- Every name of Kafka 3.9 is in the table. A name is in use when BrokerConfig has a field for it;
  the others are named in one warning.
- Nothing here does I/O but reading the file (cli/server.py) and, for a listener without a host,
  asking for this machine's name.
"""

from broker.config.broker_config import BrokerConfig
from broker.config.values import ConfigError

__all__ = ["BrokerConfig", "ConfigError"]
