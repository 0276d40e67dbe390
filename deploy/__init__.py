"""How the system is brought up: topics, database roles, and everything on one machine without containers."""
