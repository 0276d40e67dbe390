"""Loads settings classes from the environment and secret files, and reports all invalid settings at once.

The setting `REGISTRATION_DATABASE_PASSWORD`, for example, is read from the environment variable of that name.
If it is unset, the setting is read from the file `registration_database_password` in `SECRETS_DIR` (default
`/run/secrets`, where container engines mount secrets).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, overload

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

S = TypeVar("S", bound="Settings")
T = TypeVar("T", bound="Settings")
U = TypeVar("U", bound="Settings")
V = TypeVar("V", bound="Settings")

SECRETS_DIR_DEFAULT: Final = "/run/secrets"


class Settings(BaseSettings):
    """Base class of a group of settings with a common prefix, which the subclass sets as `env_prefix`."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True, case_sensitive=False
    )

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the environment variable of a field, for example `REGISTRATION_PORT`."""
        alias = cls.model_fields[field].validation_alias
        return alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    @classmethod
    def table(cls) -> Iterator[tuple[str, str]]:
        """Yield (variable, default) of each setting, as listed in `docs/settings.md`.

        For a setting without a default, the second value is `required`.
        """
        for name, field in cls.model_fields.items():
            default = field.default
            if isinstance(default, SecretStr):
                default = default.get_secret_value()
            if field.is_required():
                yield cls.variable(name), "required"
            else:
                yield cls.variable(name), "" if default is None else str(default)


@overload
def load(first: type[S], /) -> S: ...
@overload
def load(first: type[S], second: type[T], /) -> tuple[S, T]: ...
@overload
def load(first: type[S], second: type[T], third: type[U], /) -> tuple[S, T, U]: ...
@overload
def load(first: type[S], second: type[T], third: type[U], fourth: type[V], /) -> tuple[S, T, U, V]: ...
def load(*classes: type[Any]) -> Any:
    """Load each settings class.

    If any setting is invalid or missing, print every such setting to stderr and exit with code 2.
    """
    built: list[Any] = []
    errors: list[str] = []
    for cls in classes:
        try:
            built.append(cls(_secrets_dir=_secrets_dir()))
        except ValidationError as error:
            errors.extend(_describe(cls, error))
        except SettingsError as error:  # it names the field, but not its text
            errors.append(f"{cls.__name__}: {error}: {_reason(error.__cause__)}")
        except OSError as error:
            errors.append(f"SECRETS_DIR: {error}")
    if errors:
        lines = "\n".join(f"  {line}" for line in dict.fromkeys(errors))
        print(f"settings are wrong or missing ({len(set(errors))}):\n{lines}", file=sys.stderr)  # noqa: T201 - logging is not configured yet
        print(  # noqa: T201 - as above
            "Set them in the environment or as files in SECRETS_DIR; docs/settings.md lists them all.",
            file=sys.stderr,
        )
        raise SystemExit(2)
    return built[0] if len(built) == 1 else tuple(built)


def _reason(cause: BaseException | None) -> str:
    """Return why a text cannot be read; it contains nothing of the text."""
    match cause:
        case UnicodeDecodeError():
            return "the file is no UTF-8 text"
        case OSError():
            return f"the file cannot be read: {cause.strerror}"
        case _:
            return "the text is no JSON"


def _secrets_dir() -> str | None:
    """Return the directory of secret files. Raises NotADirectoryError if SECRETS_DIR names no directory."""
    folder = os.environ.get("SECRETS_DIR")
    if folder and not Path(folder).is_dir():
        raise NotADirectoryError(f"{folder} is no directory")
    return folder or (SECRETS_DIR_DEFAULT if Path(SECRETS_DIR_DEFAULT).is_dir() else None)


def _describe(cls: type[Settings], error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_input=False, include_url=False):
        field = str(detail["loc"][0]) if detail["loc"] else ""
        name = cls.variable(field) if field in cls.model_fields else field.upper()
        yield f"{name or cls.__name__}: {detail['msg']}"
