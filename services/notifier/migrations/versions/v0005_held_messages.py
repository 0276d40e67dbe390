"""Adds the state `merged` of held e-mails that left as one, and the table of disabled webhooks."""

from database.alembic_env import run_sql_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file that has this module's name."""
    run_sql_file(__file__, "v0005_held_messages.sql")
