"""The levels of this process's loggers, as Kafka names them: DescribeConfigs of BROKER_LOGGER.

Kafka changes the levels of log4j's loggers; ours are Python's, named by room (`broker.log.upkeep`).
A level that is changed lasts until the process ends (KIP-412). The loggers belong to the process:
several brokers in one share them.

Source: Kafka's `Log4jController`, `RuntimeLoggerManager`.
"""

import logging
from collections.abc import Iterable
from typing import Final

from broker.config.dynamic_changes import ConfigOperation, Operation
from broker.wire.errors import ErrorCode, KafkaError

ROOT: Final = "root"
LEVELS: Final = {
    "TRACE": logging.DEBUG // 2,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
}


def logger_levels() -> dict[str, str]:
    """Every logger there is, with the level that counts for it."""
    return {name: _level_of(name) for name in (ROOT, *sorted(_names()))}


def alter_levels(operations: Iterable[ConfigOperation], *, validate_only: bool) -> None:
    """Set or unset levels, all or none; raises `KafkaError` in Kafka's words."""
    operations = list(operations)
    for each in operations:
        _check(each)
    if validate_only:
        return
    for each in operations:
        level = LEVELS[each.value or ""] if each.operation == Operation.SET else logging.NOTSET
        _logger(each.name).setLevel(level)


def _check(change: ConfigOperation) -> None:
    if change.operation not in (Operation.SET, Operation.DELETE):
        operation = Operation(change.operation).name
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"{operation} operation is not allowed for the BROKER_LOGGER resource",
        )
    if change.name != ROOT and change.name not in _names():
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Logger {change.name} does not exist!")
    if change.operation == Operation.SET and change.value not in LEVELS:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            f"Cannot set the log level of {change.name} to {change.value} as it is not a supported "
            f"log level. Valid log levels are {', '.join(sorted(LEVELS))}",
        )
    if change.operation == Operation.DELETE and change.name == ROOT:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, "Removing the log level of the root logger is not allowed"
        )


def _names() -> set[str]:
    found = logging.root.manager.loggerDict.items()
    return {name for name, logger in found if isinstance(logger, logging.Logger)}


def _logger(name: str) -> logging.Logger:
    return logging.root if name == ROOT else logging.getLogger(name)


def _level_of(name: str) -> str:
    effective = _logger(name).getEffectiveLevel()
    at_most = [level for level, number in LEVELS.items() if number <= effective]
    return at_most[-1] if at_most else "TRACE"
