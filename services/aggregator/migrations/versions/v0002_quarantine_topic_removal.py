"""Removes the outbox of the topic of quarantined events, which cuts and commands name now."""

from database.alembic_env import run_sql_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0002_quarantine_topic_removal.sql")
