"""Checks of the repository itself: the rules of CONTRIBUTING that no linter knows."""
