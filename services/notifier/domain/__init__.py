"""The notifier's rules: milestones, alerts and the delivery policy. No module does I/O or reads a clock."""
