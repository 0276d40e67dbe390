"""Changes nothing. It created the tables of a job queue, which migration 0003 drops where they exist."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep the revision number, which databases that already have the job queue contain."""
