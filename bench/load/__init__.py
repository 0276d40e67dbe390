"""Load generators: each runs as a process of its own."""
