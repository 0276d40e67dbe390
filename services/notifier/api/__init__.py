"""The HTTP interface of the notifier."""
