"""The load of a Fest night: arrivals, planned actions, requests, ledger, expected state of the register."""
