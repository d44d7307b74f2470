"""What is made from the program is as it would be made now."""

from __future__ import annotations

from scripts.documents.command import stale


def test_documents_are_up_to_date_when_they_are_made_anew() -> None:
    """A verb, an option or a key that is added, changed or described otherwise changes them."""
    found = stale()
    assert not found, f"run scripts/gen-docs (also after a conflict): {', '.join(found)}"
