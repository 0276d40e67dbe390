"""Deployment: topics, database roles, images, monitoring, and the local stack on one machine without
containers.
"""
