"""Logs without personal data, health and metrics of a process, and failpoints for fault tests."""
