"""Adds an index of standings, from which the audit counts them faster."""

from database.alembic_env import run_outside_transaction

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_outside_transaction(__file__, "v0004_participant_standing_index_concurrently.sql")
