"""Adds lanes and claims to messages, and drops the job queue that migration 0002 created formerly."""

from database.alembic_env import run_sql_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file that has this module's name."""
    run_sql_file(__file__, "v0003_claims.sql")
