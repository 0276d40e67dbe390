"""Reports on the structure of a checkout, to compare the code before and after a change."""
