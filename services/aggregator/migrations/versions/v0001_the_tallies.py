"""The tallies, their positions, and what the publisher needs to make cuts of them."""

from alembic import op

from database.alembic_env import run_sql_file
from outbox.postgres_leases import lease_ddl
from outbox.table_source import table_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one, and the shared tables of leases and outboxes."""
    run_sql_file(__file__, "v0001_the_tallies.sql")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None, "alembic runs online only"
    for ddl in (lease_ddl(), table_ddl()):
        connection.cursor().execute(ddl)
