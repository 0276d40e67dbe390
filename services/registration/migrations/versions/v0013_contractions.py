"""Add the list of contractions, by which an older version sees that the schema lacks what it uses."""

from database.alembic_env import run_sql_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0013_contractions.sql")
