"""Rebuild: count the topic again into a second set of tallies, then replace the live set."""
