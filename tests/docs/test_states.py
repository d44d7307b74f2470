"""The picture of the states is that of the core as it is."""

from __future__ import annotations

from nsinit.core.state import State
from scripts.statechart import TARGET, arrows, document


def test_document_of_the_states_is_up_to_date_when_it_is_made_anew() -> None:
    """`scripts/diagram` writes it."""
    assert TARGET.read_text() == document()


def test_arrows_are_those_of_the_contract_when_the_core_is_explored() -> None:
    """Every state is reached and left; what ends a run goes through stopping."""
    found = set(arrows())
    assert {old for old, _ in found} == {new for _, new in found} == set(State)
    after_run = {new for old, new in found if old is State.RUNNING}
    assert after_run == {State.STOPPING}
    assert {new for old, new in found if old is State.STOPPED} == {State.WAITING}
