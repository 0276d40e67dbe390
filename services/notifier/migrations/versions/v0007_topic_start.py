"""Adds where the present content of a published topic begins."""

from alembic import op

from outbox.outbox_table import topic_start_ddl

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute(topic_start_ddl())
