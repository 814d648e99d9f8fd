"""What a process says of itself: logs on stderr, without secrets or account numbers, and counters for Prometheus."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from shared.settings import Settings

REGISTRY: Final = CollectorRegistry()
EXPOSITION_MEDIA_TYPE: Final = CONTENT_TYPE_LATEST

ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


def _counter(name: str, says: str, *labels: str) -> Counter:
    return Counter(f"drawdown_{name}", says, labels, registry=REGISTRY)


def _gauge(name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"drawdown_{name}", says, labels, registry=REGISTRY)


RECORDS: Final = _counter("records", "Kafka records applied, repeats included.")
BATCHES: Final = _counter("batches", "Batches committed.")
BATCH_SECONDS: Final = Histogram(
    "drawdown_batch_seconds",
    "Time of one batch, from its first record to its commit.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
    registry=REGISTRY,
)
BATCH_RETRIES: Final = _counter("batch_retries", "Batches done again after a fault of ours.")
FENCED_BATCHES: Final = _counter("fenced_batches", "Batches given up because another copy had moved on.")
INCARNATION_ALARMS: Final = _counter("incarnation_alarms", "Logs found to be others under the same name.")
INTERNAL_ERRORS: Final = _counter("internal_errors", "Records that the database refused.")
DEAD_LETTERS: Final = _counter("dead_letters", "Records that could not be understood.", "topic", "reason")
CONSUMER_LAG: Final = _gauge("consumer_lag_records", "Records not applied yet.", "topic", "partition")

OUTBOX_WAITING: Final = _gauge("outbox_waiting", "Events committed and not acknowledged by Kafka yet.")
OUTBOX_OLDEST_SECONDS: Final = _gauge("outbox_oldest_seconds", "Age of the oldest event in the outbox.")
PUBLISHED_RECORDS: Final = _counter("published_records", "Events acknowledged by Kafka.")
PARKED_RECORDS: Final = _counter("parked_records", "Events that Kafka refused for good.")
RELAY_FAILURES: Final = _counter("relay_failures", "Times the relay began anew.")


def exposition() -> bytes:
    """Every metric of this process as Prometheus text."""
    return generate_latest(REGISTRY)


def configure(service: str, settings: Settings) -> None:
    """Logs of this process, ours and the libraries', go to stderr as one JSON object a line; to a terminal as text."""
    start_logging(service, settings.log_level)


def start_logging(service: str, level: str = "INFO") -> None:
    """The same for a process that has no settings of a service."""
    lowest = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Named(service),
    ]
    if sys.stderr.isatty():
        # Plain, because the usual one shows the values of local variables too.
        renderer: Any = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        renderer = structlog.processors.JSONRenderer(default=str)
    last: list[Any] = [structlog.processors.format_exc_info, redact, renderer]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    # Libraries speak up only when something is wrong.
    logging.basicConfig(handlers=[handler], level=max(lowest, logging.WARNING), force=True)


class _Named:
    """Writes the service's name into each line."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = self._service
        return event


_SECRET_NAMES: Final = re.compile(r"password|secret|token|credential|account|iban|authorization|cookie", re.IGNORECASE)
_PASSWORD_IN_URL: Final = re.compile(r"(://[^:/@\s]+:)[^@\s]+@")
# Our own RF references have the shape of an IBAN, and are no secret.
_IBAN: Final = re.compile(r"\b(?!RF)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b")


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A log line without passwords, tokens and account numbers, wherever they stand in it."""
    return {name: "***" if _SECRET_NAMES.search(name) else _without_secrets(value) for name, value in event.items()}


def _without_secrets(value: object) -> object:
    match value:
        case str():
            return _IBAN.sub(_last_four, _PASSWORD_IN_URL.sub(r"\1***@", value))
        case Mapping():
            return redact(None, "", dict(value))
        case Sequence() if not isinstance(value, bytes | bytearray):
            return [_without_secrets(item) for item in value]
        case _:
            return value


def _last_four(account: re.Match[str]) -> str:
    return f"***{account[0].replace(' ', '')[-4:]}"
