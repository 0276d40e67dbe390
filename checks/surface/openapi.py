"""Reads the HTTP interface of an application: its OpenAPI document and all its routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

PROSE = ("description", "summary", "title")
FIELD_NAMES = ("properties", "patternProperties", "schemas")


def interface(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document without prose, and every route, also those not in the document."""
    return {"document": without_prose(app.openapi()), "routes": routes(app)}


def without_prose(document: Any, *, names: bool = False) -> Any:
    """Return a document without descriptions, summaries and titles (titles come from class names).

    `names` is True if the keys of `document` are field names; these are always kept.
    """
    if isinstance(document, list):
        return [without_prose(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        key: without_prose(value, names=not names and key in FIELD_NAMES)
        for key, value in document.items()
        if names or key not in PROSE or not isinstance(value, str)
    }


def routes(app: FastAPI) -> dict[str, list[str]]:
    """Return the methods of each path, documented or not; a mounted application has no methods."""
    found: dict[str, set[str]] = {}
    for context in iter_route_contexts(app.routes):
        found.setdefault(str(context.path), set()).update(context.methods or ())
    return {path: sorted(methods) for path, methods in sorted(found.items())}
