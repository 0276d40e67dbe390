"""Holds a file whose numbers a spreadsheet program has probably changed, until an officer confirms it."""

from database.alembic_env import run_sql_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0006_held_imports.sql")
