"""The commands of `python -m registration`, one module per group of commands."""
