"""The roles in PostgreSQL, which deploy/postgres/roles.sql creates."""

from __future__ import annotations

from typing import Final

SERVICES: Final = ("registration", "aggregator", "notifier")
"""The services with a database. Each has a schema of its name, and a role of its name owns the schema."""
PROCESS_ROLES: Final = {
    "registration_api": "registration",
    "registration_relay": "registration",
    "aggregator_service": "aggregator",
    "notifier_service": "notifier",
}
"""The roles that processes log in as, each with its service."""
DATABASE_ROLES: Final = (*SERVICES, *PROCESS_ROLES)
