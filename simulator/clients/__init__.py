"""HTTP clients of the register and the board, and the access keys that they use."""
