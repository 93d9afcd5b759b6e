"""The texts are about names that exist, and there is one for what topics are run with."""

import attrs

from broker.config.documentation import BROKER_DOCUMENTATION, TOPIC_DOCUMENTATION
from broker.config.dynamic import THROTTLES
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import TOPIC_PROPERTIES
from broker.log.log_config import LogConfig


def test_every_text_is_about_a_name_of_kafka() -> None:
    assert BROKER_DOCUMENTATION.keys() <= BROKER_PROPERTIES.keys() | THROTTLES.keys()
    assert TOPIC_DOCUMENTATION.keys() <= TOPIC_PROPERTIES.keys()
    assert all(text.endswith((".", "..")) for text in BROKER_DOCUMENTATION.values())


def test_what_a_topics_logs_run_with_is_documented() -> None:
    fields = {field.name.replace("_", ".") for field in attrs.fields(LogConfig)} - {"overrides"}
    assert fields <= TOPIC_DOCUMENTATION.keys()
    assert THROTTLES.keys() <= BROKER_DOCUMENTATION.keys()
