"""What no part of the converter has taken: it is told why, or that it needs no key. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.convert.systemd import values
from nsinit.convert.systemd.known import HARMLESS, REASONS, SAME, SWITCHES
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Draft


def settle(draft: Draft) -> None:
    """Deal with everything that is left of a unit."""
    for section, key, entry in list(draft.unit.rest()):
        reasons, harmless = REASONS.get(section, {}), HARMLESS.get(section, {})
        if key in harmless:
            if harmless[key]:
                draft.remark(entry, harmless[key])
        elif key not in reasons:
            hint = did_you_mean(key, (*reasons, *harmless))
            draft.cannot(entry, f"nsinit does not know this key{f'; {hint}' if hint else ''}")
        elif not _is_nothing(key, entry):
            draft.cannot(entry, reasons[key])


def _is_nothing(key: str, entry: Entry) -> bool:
    """Whether a value is what nsinit does anyway."""
    if entry.value.lower() in SAME.get(key, ()):
        return True
    if key not in SWITCHES:
        return False
    try:
        return not values.boolean(entry.value)
    except ValueError:
        return False
