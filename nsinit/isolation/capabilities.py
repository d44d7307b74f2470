"""Steps that limit what a program may do: capabilities, no_new_privs.

A service takes them in the child of its fork, in the order of `nsinit.isolation.service`. Sets are
masks, as `nsinit.kernel.creds` has them.
"""

from __future__ import annotations

import errno
import os

from nsinit.capnames import format_names, from_mask
from nsinit.kernel import creds
from nsinit.kernel.directory import is_below_root
from nsinit.named import Named


class _Final:
    """Ends with the process."""

    def undo(self) -> None:
        """Nothing to do."""

    def remedy(self, number: int) -> str:
        """Usually the kernel's own word is all there is to say."""
        del number
        return ""


class _Mask(Named):
    mask: int


class DropBounding(_Mask, _Final):
    """Give up for ever what no exec is to give: the root user gets all of the bounding set."""

    def describe(self) -> str:
        """For people."""
        return f"drop the capabilities {format_names(from_mask(self.mask))}"

    def apply(self) -> None:
        """prctl(PR_CAPBSET_DROP)."""
        creds.drop_bounding(self.mask)

    def remedy(self, number: int) -> str:
        """The kernel asks for one capability to drop others."""
        return "this needs CAP_SETPCAP" if number == errno.EPERM else ""


class KeepCaps(_Final):
    """Let the change to another user leave the capabilities; what is not wanted goes later."""

    def describe(self) -> str:
        """For people."""
        return "keep capabilities over the change of user"

    def apply(self) -> None:
        """prctl(PR_SET_KEEPCAPS)."""
        creds.keep_caps(keep=True)


class _Limits(Named):
    caps: int  # for root
    ambient: int  # for everybody, by itself through every exec
    inheritable: int = 0  # what files can give, besides


class LimitCaps(_Limits, _Final):
    """Have these and no others: all of them as root, else those that are ambient."""

    def describe(self) -> str:
        """For people."""
        text = f"limit the capabilities to {format_names(from_mask(self.caps))}"
        if self.ambient:
            text += f" (ambient: {format_names(from_mask(self.ambient))})"
        if self.inheritable:
            text += f" (inheritable: {format_names(from_mask(self.inheritable))})"
        return text

    def apply(self) -> None:
        """capset(2), then prctl(PR_CAP_AMBIENT).

        The inheritable set holds what is ambient, and nothing else unless it is asked for
        (CVE-2022-24769).
        """
        creds.set_dumpable(dumpable=False)  # until its exec this is a copy of init
        creds.keep_caps(keep=False)
        creds.clear_ambient()
        kept = self.caps if os.geteuid() == 0 else self.ambient
        creds.set_caps(kept, kept, self.ambient | self.inheritable)
        creds.raise_ambient(self.ambient)


class NoNewPrivs(_Final):
    """From now on no exec gives more: set-user-ID bits and file capabilities count for nothing."""

    def describe(self) -> str:
        """For people."""
        return "set no_new_privs"

    def apply(self) -> None:
        """prctl(PR_SET_NO_NEW_PRIVS)."""
        creds.set_no_new_privs()


class BeInside(_Final):
    """Refuse a working directory that is not below the root: everything else is one `..` away."""

    def describe(self) -> str:
        """For people."""
        return "find the working directory inside of the root"

    def apply(self) -> None:
        """getcwd(2) tells (CVE-2024-21626)."""
        if not is_below_root():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def remedy(self, number: int) -> str:
        """There is one cause for it."""
        return "its working_dir leads out of the sandbox" if number == errno.ENOENT else ""
