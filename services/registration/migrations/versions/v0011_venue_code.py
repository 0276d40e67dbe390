"""Adds the codes by which venues get a limit of their own."""

from database.alembic_env import run_sql_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0011_venue_code.sql")
