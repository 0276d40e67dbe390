"""How events become tallies and cuts. Pure: no I/O, no clock."""
