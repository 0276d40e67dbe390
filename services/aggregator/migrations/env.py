"""Runs the aggregator's Alembic migrations."""

from database.alembic_env import run

run()
