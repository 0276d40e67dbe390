"""The register's types and rules: participants, commands, decisions, events. No I/O and no clock."""
