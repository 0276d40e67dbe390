"""The import of participants from a CSV file: read, checked, written in chunks, resumed, undone."""
