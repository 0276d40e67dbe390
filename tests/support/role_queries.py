"""The statements in the services' SQL files, by the database role whose processes run them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aggregator.publishing.queries import QUERIES as PUBLISHING
from aggregator.rebuild.tally_set_queries import QUERIES as REBUILD
from aggregator.tallies.queries import QUERIES as TALLIES
from database.pool import SCHEMA_VERSION
from notifier.store.latches import QUERIES as NOTIFIER
from outbox.postgres_leases import QUERIES as OUTBOX
from registration.store.register_rows import QUERIES as REGISTER

OF_RELAY: Final = re.compile("relay_|audit_|recover_")
LEASES: Final = ("acquire", "raise_term", "release")


def statements_of_roles() -> Mapping[str, list[str]]:
    """Return the statements of each role."""
    register = dict(_statements(REGISTER))
    leases = [statement for name, statement in _statements(OUTBOX) if name in LEASES]
    aggregator = [
        statement for queries in (PUBLISHING, REBUILD, TALLIES) for _, statement in _statements(queries)
    ]
    by_role = {
        "registration_api": [text for name, text in register.items() if not OF_RELAY.match(name)] + leases,
        "registration_relay": [text for name, text in register.items() if OF_RELAY.match(name)] + leases,
        "aggregator_service": aggregator + leases,
        "notifier_service": [text for queries in (NOTIFIER, OUTBOX) for _, text in _statements(queries)],
    }
    return {role: [*statements, SCHEMA_VERSION] for role, statements in by_role.items()}


def _statements(queries: Any) -> Iterator[tuple[str, str]]:
    for name in queries.available_queries:
        if not name.endswith("_cursor"):
            yield name, getattr(queries, name).sql
