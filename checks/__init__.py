"""Checks of the whole repository that are no tests of one package."""
