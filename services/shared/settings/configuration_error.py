"""The error of a configuration with which a process cannot work, and how a process ends by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class ConfigurationError(Exception):
    """The process cannot work with what its settings name; the message has the reason and the remedy."""


@contextmanager
def exit_on_configuration_error() -> Iterator[None]:
    """If the block raises ConfigurationError, print only its message to stderr and exit with code 1."""
    try:
        yield
    except ConfigurationError as error:
        raise SystemExit(str(error)) from None
