"""The rules of counting and of cuts, without I/O and without a clock."""
