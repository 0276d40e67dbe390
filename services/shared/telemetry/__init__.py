"""Logs without personal data, health, metrics, and the failpoints of a process, which fault tests use."""
