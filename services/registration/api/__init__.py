"""The HTTP interface of the register."""
