"""The rules of counting and of cuts. Pure: no I/O, no clock."""
