"""Test support: real brokers, databases and processes, proxies, fakes, samples, and waiting with deadlines."""
