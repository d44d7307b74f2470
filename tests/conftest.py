"""What every test may use; the rest stands in the conftest of its directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

SKIPPED = 9  # an exit status that is none of pytest's own: to run what failed again won't do
_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "quick", max_examples=60, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "ci", max_examples=300, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "nightly", max_examples=5000, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is kept in files may be replaced by what is made now."""
    parser.addoption("--update-golden", action="store_true", help="keep what is printed now")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true a skipped test fails the run, unless the machine provably can't do it.

    Its reason begins so ("this kernel has no ..."), or is that of the engine.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return
    skipped = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    if unexpected := [text for text in skipped if not _is_the_machines(text)]:
        reporter.write_line(
            f"CI=true: {len(unexpected)} tests were skipped, first: {unexpected[0]}"
        )
        session.exitstatus = SKIPPED


def _is_the_machines(text: str) -> bool:
    return "EngineUnavailable" in text or "this kernel has" in text
