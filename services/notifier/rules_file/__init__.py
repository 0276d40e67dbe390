"""The schema and the reader of the rules file and the targets file."""
