"""A Fest night's load: arrivals, requests, and the ledger of what they must lead to."""
