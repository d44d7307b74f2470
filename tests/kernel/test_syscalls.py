"""The tables of system calls are those of the kernel's headers."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from nsinit import syscalls
from tests.support.live import ROOT, have

INCLUDE = pathlib.Path("/usr/include")
X86 = [INCLUDE / "x86_64-linux-gnu/asm", INCLUDE / "asm"]


@pytest.mark.parametrize(("arch", "file"), [("x86_64", "unistd_64.h"), ("i386", "unistd_32.h")])
def test_numbers_are_those_of_the_headers_when_these_are_installed(arch: str, file: str) -> None:
    """Each that the headers of this machine know."""
    header = next((path / file for path in X86 if (path / file).exists()), None)
    if header is None:
        pytest.skip(f"needs {file}: linux-libc-dev for x86")
    found = re.findall(r"^#define __NR_(\w+)\s+(\d+)$", header.read_text(), re.MULTILINE)
    assert len(found) > 300
    table = syscalls.numbers(arch)
    assert {name: int(n) for name, n in found if table.get(name) != int(n)} == {}


def test_numbers_of_arm64_are_those_of_the_generic_header_when_it_is_installed() -> None:
    """Each that both name."""
    header = INCLUDE / "asm-generic/unistd.h"
    if not header.exists():
        pytest.skip("needs asm-generic/unistd.h: linux-libc-dev")
    found = re.findall(r"^#define __NR(?:3264)?_(\w+) (\d+)$", header.read_text(), re.MULTILINE)
    table = syscalls.numbers("aarch64")
    shared = [(name, int(number)) for name, number in found if name in table]
    assert len(shared) > 290
    assert [one for one in shared if table[one[0]] != one[1]] == []


@pytest.mark.parametrize(
    ("arch", "name", "number"),
    [
        ("x86_64", "read", 0),
        ("x86_64", "seccomp", 317),
        ("x86_64", "file_setattr", 469),
        ("i386", "exit", 1),
        ("i386", "socketcall", 102),
        ("i386", "landlock_add_rule", 445),
        ("aarch64", "io_setup", 0),
        ("aarch64", "mmap", 222),
        ("aarch64", "clone3", 435),
    ],
)
def test_number_is_known_when_a_call_has_one(arch: str, name: str, number: int) -> None:
    """A few that every page about them gives."""
    assert syscalls.numbers(arch)[name] == number


def test_numbers_are_unique_when_a_table_is_read() -> None:
    """Two names of one number would be one rule too few."""
    for arch in ("x86_64", "i386", "aarch64"):
        table = syscalls.numbers(arch)
        assert len(set(table.values())) == len(table) > 320
    with pytest.raises(KeyError):
        syscalls.numbers("vax")


def test_module_is_up_to_date_when_it_is_made_again() -> None:
    """scripts/gen-syscalls writes what is there, from headers that know no more calls."""
    header = next((path / "unistd_64.h" for path in X86 if (path / "unistd_64.h").exists()), None)
    if not have("cc") or header is None:
        pytest.skip("needs a C compiler and linux-libc-dev for x86")
    known = set(re.findall(r"__NR_(\w+) ", header.read_text()))
    if not known <= syscalls.numbers("x86_64").keys():
        pytest.skip("needs headers up to those of Linux 6.18: make nsinit/syscalls.py anew")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/gen-syscalls"], capture_output=True, text=True, check=True
    )
    assert done.stdout == (ROOT / "nsinit/syscalls.py").read_text()
