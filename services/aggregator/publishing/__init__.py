"""Publishes cuts, growth per minute and quarantine states while the publisher leads."""
