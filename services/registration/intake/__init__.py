"""The queue and the transaction that write registrations."""
