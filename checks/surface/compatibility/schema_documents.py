"""Resolves the references and combines the parts of JSON schemas in several documents.

Source: JSON Schema 2020-12, of which OpenAPI 3.1 and AsyncAPI use the dialect.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = dict[str, Any]
Documents = Mapping[str, Any]
"""Documents by file name, whose references name a file and a pointer: see `with_absolute_references`."""

PROSE: Final = frozenset({"$comment", "$id", "$schema", "deprecated", "description", "examples", "title"})
ALTERNATIVES: Final = ("anyOf", "oneOf")
JSON_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


def with_absolute_references(value: Any, file: str) -> Any:
    """Return a document in which each reference names a file, also a reference inside the document."""
    if isinstance(value, list):
        return [with_absolute_references(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: with_absolute_references(item, file) for key, item in value.items()}
    if isinstance(value.get("$ref"), str):
        name, _, pointer = value["$ref"].partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(file), name)) if name else file
        changed["$ref"] = f"{target}#{pointer}"
    return changed


def resolved(value: Any, documents: Documents) -> Any:
    """Return the target of a reference, with the keywords beside the reference; other values unchanged."""
    while isinstance(value, dict) and isinstance(value.get("$ref"), str):
        name, _, pointer = value["$ref"].partition("#")
        target = documents[name]
        for step in filter(None, pointer.split("/")):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        value = {**target, **{key: item for key, item in value.items() if key != "$ref"}}
    return value


def alternatives(value: Any, documents: Documents) -> list[Schema]:
    """Return the schemas of which a valid value fulfils one; each has at most one type and no `allOf`."""
    schema = _combined(value, documents)
    for keyword in ALTERNATIVES:
        if keyword in schema:
            rest = {key: item for key, item in schema.items() if key != keyword}
            parts = [dict(_merged(rest, _combined(item, documents))) for item in schema[keyword]]
            return [found for part in parts for found in alternatives(part, documents)]
    types = schema.get("type", _types_of_values(schema))
    if isinstance(types, list):
        return [{**schema, "type": name} for name in types]
    return [schema if types is None else {**schema, "type": types}]


def _types_of_values(schema: Schema) -> str | None:
    """Return the type that `const` and all values of `enum` have; None if there is no such type."""
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    types = {JSON_TYPES[type(value)] for value in values}
    return types.pop() if len(types) == 1 else None


def _combined(value: Any, documents: Documents) -> Schema:
    """Return a schema without references, prose and `allOf`; conditions in `allOf` stay there."""
    schema = resolved(value, documents)
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    own = {key: item for key, item in schema.items() if key not in PROSE and key != "allOf"}
    conditions = []
    for part in schema.get("allOf", ()):
        combined = _combined(part, documents)
        if "if" in combined:
            conditions.append(combined)
        else:
            own = dict(_merged(own, combined))
    return own | ({"allOf": conditions} if conditions else {})


def _merged(one: Schema, other: Schema) -> Iterator[tuple[str, Any]]:
    """Yield the keywords of a schema whose values fulfil both schemas."""
    for keyword in one | other:
        mine, theirs = one.get(keyword), other.get(keyword)
        if keyword == "properties":
            names = {**(mine or {}), **(theirs or {})}
            yield keyword, {name: _both(mine or {}, theirs or {}, name) for name in names}
        elif keyword == "required":
            yield keyword, sorted({*(mine or ()), *(theirs or ())})
        else:
            yield keyword, theirs if keyword in other else mine


def _both(mine: Schema, theirs: Schema, name: str) -> Any:
    if name in mine and name in theirs:
        return {"allOf": [mine[name], theirs[name]]}
    return mine.get(name, theirs.get(name))
