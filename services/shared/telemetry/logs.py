"""Structured logs on stderr, one JSON object per line, with personal data redacted."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

PERSONAL_KEYS: Final = frozenset(
    {"nik", "name", "phone", "address", "email", "business", "body", "password", "key", "token"}
)
# A NIK has 16 digits; a mobile number starts with 08 or +628. A log may contain neither of them.
PERSONAL_RUNS: Final = re.compile(r"(?<!\d)\d{16}(?!\d)|(?<![\d.])(?:\+62|0)8\d{7,12}(?!\d)")
REDACTED: Final = "[redacted]"


def configure(service: str, level: str = "INFO") -> None:
    """Write the logs of this process, and warnings of its libraries, to stderr as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _named(service),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(
        handlers=[handler], level=max(logging.getLevelNamesMapping()[level], logging.WARNING), force=True
    )


def get() -> Any:
    """Return a logger.

    A call names an event and gives its fields, for example
    `log.info("relay published", records=n, partition=p)`.
    """
    return structlog.get_logger()


def redact(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact the values of fields with personal data, and every NIK or phone number inside other values."""
    for key, value in entry.items():
        if key in PERSONAL_KEYS:
            entry[key] = REDACTED
        elif isinstance(value, str):
            entry[key] = PERSONAL_RUNS.sub(REDACTED, value)
    return entry


def _named(service: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["service"] = service
        return entry

    return add
