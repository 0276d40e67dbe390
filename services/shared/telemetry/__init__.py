"""Observability of a process: logs without personal data, health, metrics, and failpoints for fault tests."""
