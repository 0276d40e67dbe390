"""Minutes become kept cuts, and growth is no longer counted by event beside the tallies."""

from database.alembic_env import run_sql_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of kept minutes, copy the minutes of the last 48 hours, and drop the second count."""
    run_sql_file(__file__, "v0003_kept_minutes.sql")
