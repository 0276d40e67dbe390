"""Structured logs on stderr, one JSON object a line, with personal data taken out."""

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
# A NIK is 16 digits, a mobile number 08… or +628…: neither may reach a log, wherever it stands.
PERSONAL_RUNS: Final = re.compile(r"(?<!\d)\d{16}(?!\d)|(?<![\d.])(?:\+62|0)8\d{7,12}(?!\d)")
REDACTED: Final = "[redacted]"


def configure(service: str, level: str = "INFO") -> None:
    """Send this process's logs, and those of its libraries, to stderr as JSON lines."""
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
    """A logger: `log.info("relay published", records=n, partition=p)`."""
    return structlog.get_logger()


def redact(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values under personal keys, and anything that looks like a NIK or a phone number."""
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
