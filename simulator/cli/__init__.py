"""The simulator's command line: the commands with their options, and what they run."""
