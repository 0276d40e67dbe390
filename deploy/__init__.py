"""Deployment: topics, database roles, images, monitoring, and a local stack without containers."""
