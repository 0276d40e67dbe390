"""No unique latch: the notifier relies on the insert to refuse what is latched, and nothing refuses it."""

from __future__ import annotations

import os
from typing import Final
from uuid import uuid4

import psycopg
from psycopg import sql

from notifier.domain import alerts
from notifier.domain.milestones import Crossing, LatchKey, LatchState
from notifier.store.latches import LatchStore

CONSTRAINTS: Final = "select conname from pg_constraint where conrelid = 'latch'::regclass and contype = 'u'"
LIFE: Final = uuid4().hex

_unique_columns = alerts._unique_columns


def unique_to_this_life(crossing: Crossing) -> tuple[str, str, str, int, str]:
    """`alerts._unique_columns`, but every process derives other ids, as if they were random."""
    scope, region, rule, threshold, epoch = _unique_columns(crossing)
    return (scope, region, rule, threshold, f"{epoch}:{LIFE}")


async def know_no_latches(self: LatchStore) -> dict[LatchKey, LatchState]:
    """`LatchStore.latches`, but empty: only the table's unique constraint knows the latches."""
    return {}


def drop_the_uniqueness() -> None:
    """Take it from the table of the database that NOTIFIER_DATABASE_URL names."""
    with psycopg.connect(os.environ["NOTIFIER_DATABASE_URL"], autocommit=True) as connection:
        for (name,) in connection.execute(CONSTRAINTS).fetchall():
            connection.execute(
                sql.SQL("alter table latch drop constraint if exists {}").format(sql.Identifier(name))
            )
