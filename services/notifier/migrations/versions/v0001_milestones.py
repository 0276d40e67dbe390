"""Creates the notifier's tables, and the lease and the outbox of the topic `milestones`."""

from alembic import op

from database.alembic_env import run_sql_file
from outbox.outbox_table import table_ddl
from outbox.postgres_leases import lease_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file that has this module's name, then the DDL of the lease and the outbox."""
    run_sql_file(__file__, "v0001_milestones.sql")
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None, "alembic runs online only"
    for definition in (lease_ddl(), table_ddl()):
        connection.cursor().execute(definition)
