"""Publishes cuts and growth per minute while the publisher leads."""
