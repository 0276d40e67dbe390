"""Compares two OpenAPI 3.1 documents: operations, parameters, bodies, responses and keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from checks.surface.compatibility.schema_documents import resolved, with_absolute_references
from checks.surface.compatibility.schema_inclusion import Change

FILE: Final = "openapi.json"
METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")


def breaking_changes(old: Any, new: Any) -> list[str]:
    """Return a line for each change that breaks clients of the old document."""
    documents = [{FILE: with_absolute_references(document, FILE)} for document in (old, new)]
    return list(dict.fromkeys(_OpenApiChange(*documents).lines()))


class _OpenApiChange:
    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._old, self._new = old, new
        self._written = Change(old, new, is_read=False)
        self._read = Change(old, new, is_read=True)

    def lines(self) -> Iterator[str]:
        paths = self._new[FILE]["paths"]
        for path, methods in self._old[FILE]["paths"].items():
            for method in (name for name in METHODS if name in methods):
                operation, name = paths.get(path, {}).get(method), f"{method.upper()} {path}"
                if operation is None:
                    yield f"{name}: removed"
                else:
                    yield from self._operation(methods[method], operation, name)

    def _operation(self, old: Any, new: Any, name: str) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{name}: operationId {old.get('operationId')} -> {new.get('operationId')}"
        missing = [key for key in old.get("security", [{}]) if key not in new.get("security", [{}])]
        yield from (f"{name}: the security requirement {key} no longer suffices" for key in missing)
        yield from self._parameters(old, new, f"{name} parameter")
        yield from self._request(old, new, f"{name} body")
        yield from self._responses(old["responses"], new["responses"], name)

    def _parameters(self, old: Any, new: Any, path: str) -> Iterator[str]:
        before = _by_place(old, self._old)
        after = _by_place(new, self._new)
        for place, parameter in before.items():
            if place not in after:
                yield f"{path} {place}: removed"
            else:
                schemas = parameter.get("schema", {}), after[place].get("schema", {})
                yield from self._written.breaks(*schemas, f"{path} {place}")
        for place, parameter in after.items():
            if parameter.get("required") and not before.get(place, {}).get("required"):
                yield f"{path} {place}: required now"

    def _request(self, old: Any, new: Any, path: str) -> Iterator[str]:
        before = resolved(old.get("requestBody", {}), self._old)
        after = resolved(new.get("requestBody", {}), self._new)
        if after.get("required") and not before.get("required"):
            yield f"{path}: required now"
        yield from _contents(before, after, path, self._written)

    def _responses(self, old: Any, new: Any, name: str) -> Iterator[str]:
        for status, response in old.items():
            path = f"{name} response {status}"
            if status not in new:
                yield f"{path}: removed"
                continue
            before, after = resolved(response, self._old), resolved(new[status], self._new)
            yield from _contents(before, after, path, self._read)
            for header, described in before.get("headers", {}).items():
                if header not in after.get("headers", {}):
                    yield f"{path} header {header}: removed"
                    continue
                described_now = resolved(after["headers"][header], self._new)
                schemas = resolved(described, self._old).get("schema", {}), described_now.get("schema", {})
                yield from self._read.breaks(*schemas, f"{path} header {header}")


def _contents(old: Any, new: Any, path: str, change: Change) -> Iterator[str]:
    for media_type, content in old.get("content", {}).items():
        if media_type not in new.get("content", {}):
            yield f"{path}: {media_type} removed"
        else:
            schemas = content.get("schema", {}), new["content"][media_type].get("schema", {})
            yield from change.breaks(*schemas, f"{path} body" if change.is_read else path)


def _by_place(operation: Any, documents: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of an operation by place and name."""
    parameters = [resolved(parameter, documents) for parameter in operation.get("parameters", [])]
    return {f"{parameter['in']} {parameter['name']}": parameter for parameter in parameters}
