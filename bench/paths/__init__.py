"""The measured paths through the system, one module per path, and what a path is made of."""
