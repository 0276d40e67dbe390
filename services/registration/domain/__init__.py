"""The rules of the register. Pure: no I/O, no clock."""
