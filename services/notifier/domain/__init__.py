"""The notifier's rules: milestones, alerts and the delivery policy. Pure: no I/O, no clock."""
