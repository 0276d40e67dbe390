"""The fault campaign: faults and load on the running system, and invariants checked from outside it."""
