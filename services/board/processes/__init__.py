"""The board's process and its composition root."""
