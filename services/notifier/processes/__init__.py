"""The notifier's process and its composition root."""
