"""API keys, their roles and their lookup in the database."""
