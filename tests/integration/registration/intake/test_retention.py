"""After a simulated year the register has only the keys and rejections that are not expired."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from registration.intake.retention import DELETED_ROWS_MAX, delete_expired
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration

YEAR = """
insert into idempotency (caller, route, key, body_hmac, outcome, created_at)
select 'booth', 'register', n::text, '', 'done', now() - n * interval '30 minutes'
from generate_series(1, 365 * 48) as n;
insert into import_file (id, name, state, started_at, finished_at)
select week::text, 'week', 'done', now() - week * interval '7 days', now() - week * interval '7 days'
from generate_series(1, 52) as week;
insert into import_file (id, name, state, started_at)
values ('open', 'open', 'running', now() - interval '1 year');
insert into import_rejected (import_id, row, field, reason)
select id, n, 'nik', 'invalid' from import_file, generate_series(1, 200) as n;
insert into import_rejected_cells (import_id, row, cells)
select id, n, '' from import_file, generate_series(1, 200) as n;
update import_file set changed_at = started_at;
insert into import_file (id, name, state, changed_at)
values ('held', 'held', 'held', now() - interval '29 days'),
       ('left', 'left', 'held', now() - interval '31 days');
"""


async def test_a_year_leaves_keys_of_two_days_rejections_of_ninety_days_and_cells_of_thirty(
    database: Databases,
) -> None:
    kept = (timedelta(hours=48), timedelta(days=90), timedelta(days=30))
    async with asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=1) as pool:
        await pool.execute(YEAR)

        batches = 1
        while await delete_expired(pool, *kept):
            batches += 1

        keys = await pool.fetchval("select count(*) from idempotency")
        weeks = await pool.fetchval(
            "select count(distinct import_id) from import_rejected where import_id <> 'open'"
        )
        still_open = await pool.fetchval("select count(*) from import_rejected where import_id = 'open'")
        with_cells = await pool.fetchval("select count(distinct import_id) from import_rejected_cells")
        assert (keys, weeks, still_open) == (95, 12, 200)
        assert with_cells == 4
        held = await pool.fetch(
            "select id, state, fault from import_file where rows is null and id !~ '[0-9]'"
        )
        assert {tuple(row) for row in held} == {
            ("open", "running", None),
            ("held", "held", None),
            ("left", "failed", "not_confirmed"),
        }
        assert batches == 365 * 48 // DELETED_ROWS_MAX + 1
