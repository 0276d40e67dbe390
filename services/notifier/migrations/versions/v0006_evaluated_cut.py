"""Adds the last evaluated cut, and the epoch of the register to latches."""

from database.alembic_env import run_sql_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file that has this module's name."""
    run_sql_file(__file__, "v0006_evaluated_cut.sql")
