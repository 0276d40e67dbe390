"""Whether the services did what the ledger says."""
