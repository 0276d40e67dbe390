"""The simulator's command line: the commands with their options, and the functions that they call."""
