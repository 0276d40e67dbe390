"""The rules file and the targets file: their schema, and reading them."""
