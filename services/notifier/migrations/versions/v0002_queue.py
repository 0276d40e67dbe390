"""Creates the schema of procrastinate that the pinned version of procrastinate ships.

An update of procrastinate needs a new migration here, made from the files in procrastinate's folder
`sql/migrations`.
"""

from importlib.metadata import version

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create procrastinate's tables and functions in the schema `notifier`."""
    assert version("procrastinate").startswith("3.10."), "this migration was written for procrastinate 3.10"
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None, "alembic runs online only"
    connection.cursor().execute(SchemaManager.get_schema())
