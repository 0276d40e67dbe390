"""Test support: real brokers, databases and processes; proxies, fakes, samples, deadlines."""
