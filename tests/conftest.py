"""What every test may use; the rest stands in the conftest of its directory."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("quick", max_examples=60, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile(
    "ci", max_examples=300, derandomize=False, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile("nightly", max_examples=5000, suppress_health_check=_SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
