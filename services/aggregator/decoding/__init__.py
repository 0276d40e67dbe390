"""From fetched bytes to events, in Python or compiled."""
