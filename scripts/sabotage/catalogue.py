"""All faults, and the rows of the acceptance list of sandboxes that can have none.

Every fault is harmless where `trial` runs it. What no namespace holds, such as the settings of the
kernel, the tests that are named here only look at, or set to what it is.
"""

from __future__ import annotations

from typing import Final

from . import lives, namespaces, powers, roots, users

FAULTS: Final = (
    *namespaces.FAULTS, *users.FAULTS, *roots.FAULTS, *powers.FAULTS, *lives.FAULTS,
)  # fmt: skip
# Rows that tell what the kernel does whatever we do; their tests say that we have not misread it.
EXCUSED: Final = {
    23: "a root has no kernel: uname(2) is the same in every namespace but its names",
}
