"""The load of a Fest night: arrivals, planned actions, requests, ledger, expected register state."""
