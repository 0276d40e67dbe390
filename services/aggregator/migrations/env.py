"""Alembic's entry for this service's migrations."""

from database.alembic_env import run

run()
