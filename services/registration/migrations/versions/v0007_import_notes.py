"""Stores which columns an import ignores, and the notes about its file."""

from database.alembic_env import run_sql_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0007_import_notes.sql")
