"""The figures in the pages are those of the file that they are made from."""

from __future__ import annotations

from scripts.benchmarks.readme import stale


def test_figures_are_up_to_date_when_they_are_made_anew() -> None:
    """A measure, a peer or a goal that is added or changed needs a new run, or the pages anew."""
    assert not stale()
