"""The commands of the notifier's command line, except `run`."""
