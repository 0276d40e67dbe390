"""The fault campaign: the running system under load and faults, judged by evidence from outside."""
