"""Capabilities and their flags by our own wrappers, as /proc shows them; each in its own child."""

from __future__ import annotations

import errno
import os
import pathlib
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.capnames import NAMES, NUMBERS, from_mask
from nsinit.kernel import creds, libc, seam
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    from collections.abc import Callable

KILL, CHOWN, TIME = (1 << NUMBERS[name] for name in ("KILL", "CHOWN", "SYS_TIME"))
USER = libc.CLONE_NEWUSER  # whoever runs the test, the child has every capability in it
FIELDS = {"CapEff": 0, "CapPrm": 1, "CapInh": 2, "CapBnd": 3, "CapAmb": 4}


def _shown() -> creds.Caps:
    """The five sets as the kernel shows them in /proc."""
    made = [0] * 5
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in FIELDS:
            made[FIELDS[name]] = int(value, 16)
    return creds.Caps(*made)


def _number(function: Callable[[], Any]) -> int:
    """The errno that a call fails with."""
    try:
        function()
    except OSError as error:
        return error.errno or 0
    return 0


def test_sets_are_those_of_proc_when_read() -> None:
    """By nobody and by who has them all."""
    assert creds.read_caps() == _shown()
    assert in_child(lambda: creds.read_caps() == _shown(), USER)


def test_last_capability_is_what_proc_says_when_asked() -> None:
    """And the table of names has all that kernels have so far."""
    last = int(pathlib.Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert creds.last_cap() == last
    assert last < len(NAMES) or last > NUMBERS["CHECKPOINT_RESTORE"]


def test_names_are_the_kernels_when_its_header_is_here() -> None:
    """linux/capability.h, line by line."""
    header = pathlib.Path("/usr/include/linux/capability.h")
    if not header.exists():
        pytest.skip("no kernel headers here")
    rows = [line.split() for line in header.read_text().splitlines()]
    found = {
        row[1].removeprefix("CAP_"): int(row[2])
        for row in rows
        if len(row) == 3 and row[0] == "#define" and row[1].startswith("CAP_") and row[2].isdigit()
    }
    assert dict(list(NUMBERS.items())[: len(found)]) == found


def test_sets_are_as_wanted_when_set() -> None:
    """Effective within permitted; the others stay."""

    def run() -> bool:
        before = creds.read_caps()
        creds.set_caps(KILL, KILL | CHOWN, CHOWN)
        return _shown() == (KILL, KILL | CHOWN, CHOWN, before.bounding, 0)

    assert in_child(run, USER)


def test_capability_does_not_come_back_when_given_up() -> None:
    """EPERM."""

    def run() -> int:
        creds.set_caps(KILL, KILL, 0)
        return _number(lambda: creds.set_caps(KILL, KILL | CHOWN, 0))

    assert in_child(run, USER) == errno.EPERM


def test_bounding_set_shrinks_when_dropped() -> None:
    """For this process and all after it; that takes CAP_SETPCAP."""

    def run() -> tuple[bool, int]:
        before = creds.read_caps().bounding
        creds.drop_bounding(KILL | TIME)
        shrunk = creds.read_caps().bounding == _shown().bounding == before & ~(KILL | TIME)
        creds.set_caps(KILL, KILL, 0)
        return shrunk, _number(lambda: creds.drop_bounding(CHOWN))

    assert in_child(run, USER) == (True, errno.EPERM)


def test_ambient_set_is_raised_when_inheritable() -> None:
    """And not before; clearing takes all of it."""

    def run() -> tuple[int, int, int, int]:
        refused = _number(lambda: creds.raise_ambient(KILL))
        everything = creds.read_caps().permitted
        creds.set_caps(everything, everything, KILL | CHOWN)
        creds.raise_ambient(KILL | CHOWN)
        raised = creds.read_caps().ambient
        shown = _shown().ambient
        creds.clear_ambient()
        return refused, raised, shown, creds.read_caps().ambient

    assert in_child(run, USER) == (errno.EPERM, KILL | CHOWN, KILL | CHOWN, 0)


@pytest.mark.usefixtures("needs_root")
@pytest.mark.parametrize("keep", [True, False])
def test_permitted_set_stays_when_kept_over_a_change_of_user(keep: bool) -> None:
    """The effective one is gone either way."""

    def run() -> tuple[bool, bool, bool]:
        before = creds.read_caps().permitted
        creds.keep_caps(keep=keep)
        was = creds.keeps_caps()
        os.setresuid(4321, 4321, 4321)
        after = creds.read_caps()
        return was, after.permitted == (before if keep else 0), after.effective == 0

    assert in_child(run) == (keep, True, True)


def test_flags_are_set_when_asked_for() -> None:
    """no_new_privs for ever, dumpable on and off, securebits by who may."""

    def run() -> tuple[bool, ...]:
        made = [creds.has_no_new_privs(), creds.is_dumpable(), creds.securebits() == 0]
        creds.set_no_new_privs()
        creds.set_dumpable(dumpable=False)
        creds.set_securebits(creds.SECBIT_NOROOT | creds.SECBIT_NO_SETUID_FIXUP)
        made += [creds.has_no_new_privs(), not creds.is_dumpable(), creds.securebits() == 5]
        creds.set_dumpable(dumpable=True)
        return (*made, creds.is_dumpable())

    assert in_child(run, USER) == (False, True, True, True, True, True, True)


def test_keyring_is_another_when_joined() -> None:
    """Its serial number differs each time, and the parent keeps its own."""

    def keyring() -> int:
        return creds.join_new_keyring()

    first, second = in_child(keyring), in_child(keyring)
    assert first > 0 < second
    assert first != second


@pytest.mark.parametrize(
    ("fault", "function"),
    [
        ("capget:EPERM", creds.read_caps),
        ("capset:EPERM", lambda: creds.set_caps(0, 0, 0)),
        ("creds:EPERM", lambda: creds.keep_caps(keep=True)),
        ("creds:EPERM", creds.clear_ambient),
        ("keyctl:EPERM", creds.join_new_keyring),
    ],
)
def test_call_fails_when_the_seam_is_told_so(fault: str, function: Callable[[], Any]) -> None:
    """As every call of ours."""

    def run() -> int:
        seam.inject(seam.Plan(fault))
        return _number(function)

    assert in_child(run) == errno.EPERM


def test_mask_is_that_of_its_numbers_when_shown() -> None:
    """Bit n is capability n."""
    assert from_mask(KILL | CHOWN) == {NUMBERS["KILL"], NUMBERS["CHOWN"]}
