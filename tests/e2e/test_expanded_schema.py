"""While a new version has expanded the schemas, the processes of this version work on and stay exact."""

from __future__ import annotations

import asyncpg
import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

# What later versions may do in an expansion: columns, tables and indexes that this version does not know.
EXPANSIONS = {
    "registration": "alter table participant add column later text not null default 'x';"
    "alter table event add column later integer;"
    "create table later (id bigint primary key)",
    "aggregator": "alter table tally add column later bigint not null default 7;"
    "create index later on position (sequence)",
}


async def expand(database: Databases) -> None:
    for service, statements in EXPANSIONS.items():
        owner = await asyncpg.connect(**getattr(database, service).asyncpg_options())
        await owner.execute(f"{statements}; update alembic_version set version_num = '0999'")
        await owner.close()


@pytest.mark.timeout(180)
async def test_counts_stay_exact_while_schemas_are_expanded_and_the_former_version_restarts(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients, database: Databases
) -> None:
    async with clients:
        await until(lambda: len(clients.accepted) > 50, 30)
        await expand(database)
        expanded_at = len(clients.accepted)
        await until(lambda: len(clients.accepted) > expanded_at + 50, 30)
        await running_stack.restart("api", "relay", "audit", "worker", "publisher")
        restarted_at = len(clients.accepted)
        await until(lambda: len(clients.accepted) > restarted_at + 50, 30)

    await observer.wait_for_exactly(clients.accepted)
