"""The functions with which planted bugs replace those of the services."""
