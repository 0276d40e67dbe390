"""What the leading publisher sends to the topics."""
