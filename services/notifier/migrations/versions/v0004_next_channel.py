"""Adds the next channel of a recipient, the start of a series of attempts, and the state `unconfirmed`."""

from database.alembic_env import run_sql_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file that has this module's name."""
    run_sql_file(__file__, "v0004_next_channel.sql")
