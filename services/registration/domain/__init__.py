"""The register's types and rules: participants, commands, decisions, events. Pure: no I/O, no clock."""
