"""Keeps what the register had of a withdrawn participant who registers again."""

from database.alembic_env import run_sql_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0010_former_registration.sql")
