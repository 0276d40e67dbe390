"""Settings from the environment and secret files, with one error message for all invalid ones."""
