from database.alembic_env import run

run()
