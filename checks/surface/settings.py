"""Reads the settings that a process declares: variable, type with limits, and default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_settings import BaseSettings

PROSE = ("title", "description")


class ContradictionError(ValueError):
    """Two settings classes declare the same variable differently."""


def declared() -> dict[str, Any]:
    """Return the schema of each variable of all settings classes that this process has imported."""
    return by_variable(_subclasses(BaseSettings))


def by_variable(classes: Iterable[type[BaseSettings]]) -> dict[str, Any]:
    """Return the JSON schema of each variable of these classes. Raises ContradictionError."""
    found: dict[str, Any] = {}
    for cls in classes:
        for variable, schema in _variables(cls):
            if found.setdefault(variable, schema) != schema:
                raise ContradictionError(f"{variable} is declared twice: {found[variable]} and {schema}")
    return dict(sorted(found.items()))


def _variables(cls: type[BaseSettings]) -> Iterator[tuple[str, Any]]:
    schema = cls.model_json_schema(by_alias=False)
    for name, field in cls.model_fields.items():
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{name}"
        described = _plain(schema["properties"][name], schema.get("$defs", {}))
        yield variable.upper(), {**described, "required": field.is_required()}


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema without prose and class names; references are replaced by their definitions."""
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return _plain({**definitions[name], **{k: v for k, v in schema.items() if k != "$ref"}}, definitions)
    plain = {
        key: _plain(value, definitions)
        for key, value in schema.items()
        if key not in PROSE and key != "properties"
    }
    if "properties" in schema:  # its keys are field names, which may be `title`
        plain["properties"] = {
            name: _plain(inner, definitions) for name, inner in schema["properties"].items()
        }
    return plain


def _subclasses(cls: type[BaseSettings]) -> Iterator[type[BaseSettings]]:
    for found in cls.__subclasses__():
        if found.model_config.get("env_prefix"):  # without a prefix, it is the base of other classes
            yield found
        yield from _subclasses(found)
