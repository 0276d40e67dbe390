"""Distinguishes the stock, which imports add as a baseline, from participants registered live."""

from database.alembic_env import run_outside_transaction, run_sql_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL files beside this one."""
    run_sql_file(__file__, "v0009_stock.sql")
    run_outside_transaction(__file__, "v0009_stock_index_concurrently.sql")
