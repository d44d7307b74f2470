"""Notes in the record of a sandbox that runs, by others than its launcher."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from nsinit.places import RECORD_NAME
from nsinit.sandbox import record as records
from nsinit.sandbox.names import tell_all

if TYPE_CHECKING:
    from nsinit.sandbox.state import Found


class Book:
    """The interfaces in a record; whoever changes them holds the lock of the ledger."""

    def __init__(self, found: Found) -> None:
        self.directory = found.directory
        self.pid, self.owner = found.record.pid, found.record.owner
        self.network = found.record.network

    def note(
        self,
        *,
        add: dict[str, Any] | None = None,
        drop: str = "",
        cleanup: tuple[str, str] | None = None,
    ) -> None:
        """Change the file as it is now; OSError if the sandbox has ended, or that can't be."""
        path = f"{self.directory}/{RECORD_NAME}"
        record = records.read(path)
        if record is None or record.owner != self.owner:
            raise OSError(errno.ESRCH, "it has ended")
        network = [one for one in record.network if one.get("name") != drop]
        network += [add] if add is not None else []
        is_new = cleanup is not None and cleanup not in record.cleanup
        outside = (*record.cleanup, cleanup) if cleanup and is_new else record.cleanup
        record = record._replace(network=tuple(network), cleanup=outside)
        records.write(path, record.encode())
        self.network = record.network

    def tell(self) -> None:
        """Let those who are on the same bridges know its addresses."""
        record = records.read(f"{self.directory}/{RECORD_NAME}")
        if record is not None:
            tell_all(os.path.dirname(self.directory), record)
