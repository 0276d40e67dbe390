"""Adds the token buckets of the rate limits, which all api processes share."""

from database.alembic_env import run_sql_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_sql_file(__file__, "v0012_token_buckets.sql")
