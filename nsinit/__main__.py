"""Which of nsinit's programs is meant; imports no more than that one needs.

Whoever becomes an init blocks signals first: until then PID 1 is deaf (signal(7)), and what is
blocked stays pending until somebody reads it.
"""

import gc
import io
import sys

from nsinit import finder

# Under these names it is always the single command, whatever the first word.
_NAMES = ("tini", "tini-static", "docker-init", "dumb-init", "catatonit")
_BOXES = ("list", "inspect", "enter", "stop", "kill", "pause", "unpause")  # verbs for sandboxes
_OWN = ("-h", "--help", "-V", "--version")  # of nsinit itself, not of the single command


def main() -> int:
    """The entry point of the console script and of `python -m nsinit`."""
    gc.disable()  # start-up makes no garbage; a running init turns it on again
    finder.install()
    argv = sys.argv[1:]
    name = sys.argv[0].rpartition("/")[2]
    verb = argv[0] if argv else ""
    single = name in _NAMES or (verb[:1] == "-" and verb not in _OWN)
    if single or verb == "run":
        from nsinit.lean import signal

        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    if single:
        import os

        from nsinit.cli.single import main as single_command

        os._exit(single_command(name, argv, mask))  # nothing of Python's own end is worth the time
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what the locale's character set lacks
    if verb == "ctl":
        import os

        from nsinit.cli.ctl import main as ctl

        code = ctl(argv[1:])
        sys.stdout.flush()
        os._exit(code)  # Python's own end takes longer than the answer did
    if verb == "run":
        from nsinit.cli.run import main as run

        return run(argv[1:])
    if verb in _BOXES:
        from nsinit.cli.boxes import main as boxes

        return boxes(verb, argv[1:])
    return _tell(verb, argv[1:])


def _tell(verb: str, argv: list[str]) -> int:
    """What only prints something; when that is read no further, as by `| head`, it is no error."""
    try:
        from nsinit.cli.programs import MODULES

        if verb in MODULES:
            from importlib import import_module

            code = int(import_module(f"nsinit.cli.{verb}").main(argv))
        else:
            code = _other(verb)
        sys.stdout.flush()
    except BrokenPipeError:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    return code


def _other(verb: str) -> int:
    if verb in ("--version", "-V"):
        from nsinit import __version__

        print(f"nsinit {__version__}")
        return 0
    from nsinit.cli.programs import PROGRAMS, help_text

    if verb in ("-h", "--help"):
        print(help_text())
        return 0
    from nsinit.nearest import did_you_mean

    said = f"there is no command {verb!r}" if verb else "cannot do nothing: a word must follow"
    print(f"nsinit: {said}", file=sys.stderr)
    hint = did_you_mean(verb, PROGRAMS) if verb else "nsinit --help"
    hint = hint or f"nsinit --help; to run the program of that name: nsinit -- {verb}"
    print(f"  hint: {hint}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
