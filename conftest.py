"""Hypothesis settings of all tests. A busy machine is no finding, so an example may take any time."""

from hypothesis import HealthCheck, settings

settings.register_profile("any-time", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-time")
