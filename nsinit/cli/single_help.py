"""What --help, --version and --license show in the single command mode."""

from __future__ import annotations

HELP = """\
usage: {name} [OPTION...] {mark}COMMAND [ARG...]

Run one command under an init that reaps, forwards signals, and ends what the command leaves behind.

options of tini and dumb-init:
  -s, --subreaper            adopt orphans though not PID 1 (always done)
  -p, --parent-death-signal SIG
                             pass SIG on to the command when init's own parent dies
  -e, --success-code CODE    make exit code CODE a 0; may be repeated
  -g, --group                signal the command's process group{group}
  -c, --single-child         signal the command alone{single}
  -r, --rewrite A:B          pass on signal B for A, 0 for none; may be repeated
  -w, --warn-reaped          tell of each reaped process that is not the command
  -v, --verbose              say more on stderr; twice: each signal and each process
  -l, --license              show the licence
  -V, --version              show the version
  -h, --help                 show this

further options:
      --grace TIME           wait between TERM and KILL for what is left behind (3s)
      --delay TIME           pass the first TERM on only after that time
      --orphans keep|term|kill
                             what to do with processes that lose their parent (keep)
      --raise-signal         end by the signal that ended the command, unless PID 1

Signals have names or numbers. Options end at the first other word or after `--`.
environment: TINI_KILL_PROCESS_GROUP, TINI_VERBOSITY, DUMB_INIT_SETSID=0, DUMB_INIT_DEBUG=1,
             NSINIT_OPTIONS="OPTION..."

examples:
  {name} {mark}python3 app.py
  {name} -e 143 -r TERM:QUIT {mark}nginx -g 'daemon off;'
  {name} --grace 8s -v {mark}sh -c 'worker & exec server'"""


def show(what: str, name: str) -> None:
    """Print it; `name` is the program that we are called as."""
    if what == "help":
        print(help_text(name))
    elif what == "version":
        from nsinit import __version__

        print(f"nsinit {__version__}" if name == "nsinit" else f"{name} (nsinit {__version__})")
    else:
        print("nsinit is free software under the MIT licence: https://spdx.org/licenses/MIT.html")


def help_text(name: str) -> str:
    """The usage, with the defaults that hold under this name."""
    groups = name in ("nsinit", "dumb-init")
    return HELP.format(
        name=name,
        mark="-- " if name == "nsinit" else "",
        group=" (default)" if groups else "",
        single="" if groups else " (default)",
    )
