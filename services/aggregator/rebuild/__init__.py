"""Counts the topic again into a second set of tallies, then replaces the live set with that set."""
