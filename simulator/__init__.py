"""A Fest night over HTTP: made-up people, their arrivals, a ledger of every answer. Imports no service."""
