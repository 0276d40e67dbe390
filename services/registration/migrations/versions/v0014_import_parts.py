"""Store the files of imports in the register, so that any process can continue an import."""

from database.alembic_env import run_sql_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0014_import_parts.sql")
