"""What a process tells of itself: logs without personal data, health, metrics, and its crash points."""
