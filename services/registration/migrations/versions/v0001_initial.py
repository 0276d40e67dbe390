"""Creates the tables of the register."""

from database.alembic_env import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0001_initial.sql")
