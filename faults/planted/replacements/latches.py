"""A planted bug of the notifier: neither its memory nor the table's constraint keeps latches unique."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

import psycopg
from psycopg import sql

from notifier.domain import alerts
from notifier.domain.milestones import Crossing, LatchKey, LatchState
from notifier.settings import MigrationSettings
from notifier.store.latches import LatchStore
from settings.loader import load

CONSTRAINTS: Final = "select conname from pg_constraint where conrelid = 'latch'::regclass and contype = 'u'"
PROCESS_ID: Final = uuid4().hex

_unique_columns = alerts._unique_columns


def unique_to_this_process(crossing: Crossing) -> tuple[str, str, str, int, str]:
    """Like `alerts._unique_columns`, but each process derives different ids, as if the ids were random."""
    scope, region, rule, threshold, epoch = _unique_columns(crossing)
    return (scope, region, rule, threshold, f"{epoch}:{PROCESS_ID}")


async def return_no_latches(self: LatchStore) -> dict[LatchKey, LatchState]:
    """Like `LatchStore.latches`, but returns none, so that only the table's constraint prevents repeats."""
    return {}


def drop_unique_constraints() -> None:
    """Drop the unique constraints of `latch` in the notifier's database."""
    owner = load(MigrationSettings).owner("notifier")
    with psycopg.connect(**owner.libpq_options(), autocommit=True) as connection:
        for (name,) in connection.execute(CONSTRAINTS).fetchall():
            connection.execute(
                sql.SQL("alter table latch drop constraint if exists {}").format(sql.Identifier(name))
            )
