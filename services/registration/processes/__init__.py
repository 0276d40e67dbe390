"""The composition roots: each module loads one process's settings, builds its adapters and runs it."""
