"""The load of a Fest night: arrivals, planned actions, requests, the ledger and the expected state of the
register.
"""
