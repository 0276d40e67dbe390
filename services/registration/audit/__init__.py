"""The audit compares published cuts with the register, and publishes the register's state."""
