"""Loads settings classes from the environment and secret files; every fault is named in one message.

A setting `REGISTRATION_DATABASE_URL` is read from the environment variable of that name, else from the
file `registration_database_url` in `SECRETS_DIR` (default `/run/secrets`), as container engines mount them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, TypeVarTuple, overload

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound="Settings")
T = TypeVar("T", bound="Settings")
U = TypeVar("U", bound="Settings")
V = TypeVar("V", bound="Settings")
Ts = TypeVarTuple("Ts")

SECRETS_DIR_DEFAULT: Final = "/run/secrets"


class Settings(BaseSettings):
    """A group of settings that share a prefix; subclasses set `env_prefix` in `model_config`."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True, case_sensitive=False
    )

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field, for example `REGISTRATION_PORT`."""
        alias = cls.model_fields[field].validation_alias
        return alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    @classmethod
    def table(cls) -> Iterator[tuple[str, str]]:
        """Name and default of each setting, as `docs/settings.md` lists them; else `required`."""
        for name, field in cls.model_fields.items():
            default = field.default
            if isinstance(default, SecretStr):
                default = default.get_secret_value()
            if field.is_required():
                yield cls.variable(name), "required"
            else:
                yield cls.variable(name), "" if default is None else str(default)


@overload
def load(one: type[S], /) -> S: ...
@overload
def load(one: type[S], two: type[T], /) -> tuple[S, T]: ...
@overload
def load(one: type[S], two: type[T], three: type[U], /) -> tuple[S, T, U]: ...
@overload
def load(one: type[S], two: type[T], three: type[U], four: type[V], /) -> tuple[S, T, U, V]: ...
def load(*classes: type[Any]) -> Any:
    """Build each settings class; on any fault print all of them to stderr and exit with 2."""
    built: list[Any] = []
    faults: list[str] = []
    for cls in classes:
        try:
            built.append(cls(_secrets_dir=_secrets_dir()))
        except ValidationError as error:
            faults.extend(_faults(cls, error))
    if faults:
        lines = "\n".join(f"  {fault}" for fault in dict.fromkeys(faults))
        print(f"settings are wrong or missing ({len(set(faults))}):\n{lines}", file=sys.stderr)  # noqa: T201 - no log is configured yet
        print(  # noqa: T201 - as above
            "Set them in the environment or as files in SECRETS_DIR; docs/settings.md lists them all.",
            file=sys.stderr,
        )
        raise SystemExit(2)
    return built[0] if len(built) == 1 else tuple(built)


def _secrets_dir() -> str | None:
    folder = os.environ.get("SECRETS_DIR", SECRETS_DIR_DEFAULT)
    return folder if Path(folder).is_dir() else None


def _faults(cls: type[Settings], error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_input=False, include_url=False):
        field = str(fault["loc"][0]) if fault["loc"] else ""
        name = cls.variable(field) if field in cls.model_fields else field.upper()
        yield f"{name or cls.__name__}: {fault['msg']}"
