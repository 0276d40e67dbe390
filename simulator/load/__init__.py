"""The load of a Fest night: arrivals, planned actions, requests, ledger, and the register's expected state."""
