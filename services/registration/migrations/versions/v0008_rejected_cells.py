"""Stores the cells of rejected rows, encrypted, so that an officer can correct them."""

from database.alembic_env import run_sql_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0008_rejected_cells.sql")
