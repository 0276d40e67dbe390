"""Collects the present surface, with or without a running system."""

from __future__ import annotations

import json

from checks.surface import service_declarations
from checks.surface.recordings import Files, as_json
from checks.surface.service_modules import ForeignCodeError, folder


class UnreadableSurfaceError(RuntimeError):
    """There is nothing to compare; the message says which part failed and why."""


def surface(*, full: bool) -> Files:
    """What the code declares; `full`: also what a running system shows. Raises UnreadableSurfaceError."""
    try:
        files = service_declarations.surface()
    except service_declarations.ProbeError as error:
        raise UnreadableSurfaceError(str(error)) from error
    return _with_running_system(files) if full else files


def _with_running_system(files: Files) -> Files:
    """Add schemas and topics; the OpenAPI documents become those that the processes serve."""
    try:
        for service in service_declarations.SERVICES:
            folder(service)  # the harness migrates in this process: not another checkout's schema
    except ForeignCodeError as error:
        raise UnreadableSurfaceError(str(error)) from error
    from checks.surface import (
        running_surface,
    )  # it imports the harness, which the fast comparison does without
    from checks.surface.running_system import SystemStartError

    try:
        more, served = running_surface.surface()
    except SystemStartError as error:
        raise UnreadableSurfaceError(str(error)) from error
    openapi = json.loads(files["openapi.json"])
    for service, document in served.items():
        openapi[service]["document"] = document
    return {**files, **more, "openapi.json": as_json(openapi)}
