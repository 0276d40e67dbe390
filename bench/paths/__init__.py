"""The measured paths through the system, one module per path, and the definition of a path."""
