"""Rules, milestones, alerts and the delivery policy. Pure: no I/O, no clock."""
