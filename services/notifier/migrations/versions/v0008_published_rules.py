"""Adds the rules that were published last."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, which has at most one row."""
    op.execute(
        "create table published_rules (one boolean primary key default true check (one), value text not null)"
    )
