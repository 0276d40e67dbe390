"""Prints the metrics, settings and OpenAPI of a service.

Run as `python -m checks.surface.declaration_printer SERVICE`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from checks.surface import metrics, openapi, settings
from checks.surface.http_applications import APPLICATIONS
from checks.surface.service_importer import import_all


def declared(service: str) -> dict[str, Any]:
    """Return the service's metrics, settings and HTTP interface."""
    import_all(service)
    application = APPLICATIONS.get(service)
    return {
        "metrics": metrics.declared(),
        "settings": settings.declared(),
        "openapi": openapi.interface(application()) if application else None,
    }


if __name__ == "__main__":
    json.dump(declared(sys.argv[1]), sys.stdout)
