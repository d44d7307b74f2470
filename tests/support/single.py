"""The single command, run to its end."""

from __future__ import annotations

import subprocess
from typing import Any

from tests.support.live import NSINIT, environment


def finish(*words: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    """`nsinit WORDS`, with what it wrote."""
    kwargs.setdefault("env", environment())
    return subprocess.run(
        [*NSINIT, *words], capture_output=True, text=True, timeout=60, check=False, **kwargs
    )
