"""The filters that have been made with nsinit are those that it would make."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nsinit.capnames import NAMES
from nsinit.isolation import assembly, readyfilters
from nsinit.model.confinement import BY_DEFAULT
from nsinit.model.security import DEFAULT
from tests.support.live import ROOT

_USUAL = frozenset(NAMES[number] for number in DEFAULT)


@pytest.mark.parametrize("arch", ["x86_64", "i386", "aarch64"])
@pytest.mark.parametrize(
    "capabilities", [_USUAL, frozenset[str](), frozenset({"KILL"}), frozenset({"SYS_CHROOT"})]
)
def test_ready_program_is_what_would_be_made_when_there_is_one(
    arch: str, capabilities: frozenset[str]
) -> None:
    """Byte for byte."""
    assert (
        readyfilters.find(arch, capabilities)
        == (assembly.make(BY_DEFAULT, arch, capabilities) or (b"", 0))[0]
    )


@pytest.mark.parametrize("name", ["SYS_ADMIN", "SYS_MODULE", "BPF"])
def test_no_program_is_ready_when_a_capability_allows_more(name: str) -> None:
    """Neither with too much in it nor with too little."""
    for capabilities in (_USUAL | {name}, frozenset({name})):
        assert readyfilters.find("x86_64", capabilities) is None


def test_no_program_is_ready_when_the_machine_is_not_known() -> None:
    """As before there were any."""
    assert readyfilters.find("riscv64", _USUAL) is None


def test_file_is_what_the_script_writes() -> None:
    """Nothing in it was changed by hand, or forgotten."""
    made = subprocess.run(
        [sys.executable, ROOT / "scripts/gen-filters"], capture_output=True, text=True, check=True
    )
    assert made.stdout == (ROOT / "nsinit/isolation/readyfilters.py").read_text()
