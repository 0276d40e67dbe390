"""How a service reaches its PostgreSQL schema: connections that hold no lock asleep, queries, migrations."""
