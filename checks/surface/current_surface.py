"""Collects the current surface, with or without a running system."""

from __future__ import annotations

import json

from checks.surface import code_surface, contract_documents
from checks.surface.recordings import Files, as_json
from checks.surface.service_importer import ForeignCodeError, folder


class UnreadableSurfaceError(RuntimeError):
    """The surface could not be read; the message says which part failed and why."""


def surface(*, full: bool) -> Files:
    """Return the surface that the code declares; `full` adds the surface of a running system.

    Raises UnreadableSurfaceError.
    """
    try:
        files = {**code_surface.surface(), **contract_documents.surface()}
    except code_surface.ProbeError as error:
        raise UnreadableSurfaceError(str(error)) from error
    return _with_running_system(files) if full else files


def _with_running_system(files: Files) -> Files:
    """Add schemas and topics, and replace the OpenAPI documents by those that the processes serve."""
    try:
        for service in code_surface.SERVICES:
            folder(service)  # the test harness migrates with the packages that this process imports
    except ForeignCodeError as error:
        raise UnreadableSurfaceError(str(error)) from error
    from checks.surface import (
        running_surface,
    )  # imports the test harness, which the fast comparison does not need
    from checks.surface.running_system import SystemStartError

    try:
        more, served = running_surface.surface()
    except SystemStartError as error:
        raise UnreadableSurfaceError(str(error)) from error
    openapi = json.loads(files["openapi.json"])
    for service, document in served.items():
        openapi[service]["document"] = document
    return {**files, **more, "openapi.json": as_json(openapi)}
