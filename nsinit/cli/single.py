"""`nsinit -- CMD`, and nsinit under the name of tini, dumb-init or catatonit."""

from __future__ import annotations

import sys

from nsinit.cli.single_options import PEERS, parse
from nsinit.process.environment import given_environment
from nsinit.process.single import run

TYPE_CHECKING = False  # without loading `typing`; see nsinit.kernel.seam
if TYPE_CHECKING:
    from collections.abc import Iterable


def main(name: str, words: list[str], mask: Iterable[int]) -> int:
    """Do what the words after the program's name ask for; the exit code.

    The caller has blocked all signals; `mask` is what was blocked before.
    """
    env = given_environment()
    try:
        request = parse(PEERS.get(name, "nsinit"), words, env)
    except Exception as error:
        from nsinit.errors import UsageError  # not loaded where all is well: starts are to be short

        if not isinstance(error, UsageError):
            raise
        print(f"nsinit: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    if request.show:
        from nsinit.cli.single_help import show

        show(request.show, request.peer)
        sys.stdout.flush()
        return 0
    return run(request.settings, env, mask)
