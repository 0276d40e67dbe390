"""Adds to each tally the highest count that it had before its count fell."""

from database.alembic_env import run_sql_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file that has this module's name."""
    run_sql_file(__file__, "v0004_highest_counts.sql")
