"""Settings from the environment and secret files, and one error message that lists all invalid settings."""
