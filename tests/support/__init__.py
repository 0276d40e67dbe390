"""Support for tests: real brokers, databases and processes; proxies, fakes, samples and deadlines."""
