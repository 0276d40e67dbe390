"""Adds a table of the participants that an import registered again.

The undo of the import needs it to find the participants that have not changed since.
"""

from database.alembic_env import run_sql_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0003_import_reregistrations.sql")
