"""Checks of this repository for rules of CONTRIBUTING.md that no linter checks: see README.md."""
