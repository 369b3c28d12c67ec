"""One fixed set of examples for each test, so that a run repeats; HYPOTHESIS_PROFILE=search draws new ones."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fixed", derandomize=True, max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.register_profile("search", max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
