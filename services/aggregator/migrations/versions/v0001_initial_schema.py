"""The initial schema: tallies, positions, keys of changed tallies, quarantine, progress of publishing."""

from alembic import op

from database.alembic_env import run_sql_file
from outbox.outbox_table import table_ddl
from outbox.postgres_leases import lease_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the SQL file beside this module, and the shared lease and outbox tables."""
    run_sql_file(__file__, "v0001_initial_schema.sql")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None, "alembic runs online only"
    for ddl in (lease_ddl(), table_ddl()):
        connection.cursor().execute(ddl)
