"""Adds a column for the reason why the relay refuses to publish. The audit publishes this reason."""

from database.alembic_env import run_sql_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0002_relay_refusal_reason.sql")
