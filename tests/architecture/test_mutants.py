"""The mutants of scripts/mutants fit the core as it is; whether they are noticed takes minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.mutation import automatic
from scripts.mutation.automatic import explained, modules, stale
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


@pytest.mark.parametrize("name", ["core/order", "core/rolling", "process/oom", "model/cron"])
def test_rules_make_mutants_of_every_kind_when_a_module_is_looked_at(name: str) -> None:
    """Each has a name of its own, is another program, and leaves the module as it was."""
    (module,) = modules(name)
    names = [mutant.name for mutant in module.mutants]
    assert len(set(names)) == len(names) > 40
    for mutant in module.mutants[::10]:
        assert module.changed(mutant) != module.code
    assert compile(module.tree, str(module.path), "exec", dont_inherit=True) == module.code
    assert {"comparison", "boolean", "condition", "constant", "return", "statement"} <= {
        mutant.rule for mutant in module.mutants
    }


def test_reason_is_told_when_its_mutant_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the script, for the files that it looks at."""
    found = modules("core/rolling")
    names = {found[0].mutants[0].name: "why", "core/rolling.py gone: a -> b": "why"}
    monkeypatch.setattr(automatic, "explained", lambda: names | {"core/order.py x: a -> b": ""})
    assert stale(found) == ["core/rolling.py gone: a -> b"]


def test_every_explained_survivor_is_still_a_mutant() -> None:
    """Else its reason is about a program that is no more."""
    known = explained()
    parts = sorted({name.partition(".py ")[0] for name in known})
    made = {mutant.name for part in parts for one in modules(part) for mutant in one.mutants}
    assert known.keys() <= made, known.keys() - made
    assert all(len(why) > 20 for why in known.values())
