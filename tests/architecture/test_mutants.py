"""The mutants of scripts/mutants fit the core as it is; whether they are noticed takes minutes."""

from __future__ import annotations

from pathlib import Path

from scripts.mutation.catalogue import MUTANTS

CORE = Path(__file__).parents[2] / "nsinit" / "core"


def test_every_mutant_applies_when_the_core_is_what_it_is() -> None:
    """Its text is there once, and what stands there instead is Python."""
    texts = {path.name: path.read_text() for path in CORE.glob("*.py")}
    for mutant in MUTANTS:
        assert texts[mutant.file].count(mutant.old) == 1, mutant
        changed = texts[mutant.file].replace(mutant.old, mutant.new)
        compile(changed, mutant.file, "exec")


def test_mutants_cover_the_core_when_they_are_counted() -> None:
    """At least one in each module that decides something; none twice."""
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS) >= 40
    deciding = {path.name for path in CORE.glob("*.py")}
    deciding -= {"__init__.py", "messages.py", "state.py", "view.py"}
    assert {mutant.file for mutant in MUTANTS} == deciding
