"""How a process lives: its stop signal, its loops, and what it does when they keep failing."""
