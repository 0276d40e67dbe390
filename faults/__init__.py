"""The fault campaign: injects faults into the running system under load, and checks its invariants."""
