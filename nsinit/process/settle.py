"""What a process does before it may have children that it is to look after."""

from __future__ import annotations

import os

from nsinit.kernel import fds, libc, mask


def settle() -> None:
    """Miss no signal and no child, and pass on no descriptor; may be done again."""
    mask.block_all()
    mask.hear_children()
    if os.getpid() != 1:
        libc.become_subreaper()
    fds.fill_standard()
    fds.close_on_exec()
