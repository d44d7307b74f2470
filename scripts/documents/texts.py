"""What manual pages say beyond the tables; paragraphs as `roff.prose` has them."""

from __future__ import annotations

from typing import Final

NSINIT: Final = (
    (
        "nsinit is process 1: it reaps, forwards signals, and starts, watches, restarts and stops many"
        " services. `nsinit run` does so where it is started, as in a container, or in namespaces that it"
        " makes, as root or as an ordinary user. `nsinit --` does what a small init does for one command."
        " `nsinit ctl` asks a running init; the other words are about sandboxes and configurations."
    ),
    "`nsinit help` TOPIC shows the help of a verb, a key of nsinit.toml(5), or one of these pages.",
)
RUN: Final = (
    (
        "Start the services of FILE, or of `$NSINIT_CONFIG`, ./nsinit.toml or /etc/nsinit/nsinit.toml, and"
        " stay until they have ended. Without a `[sandbox]` table it is init where it is: process 1 of a"
        " container, or a child subreaper. With one, or with options for it, it makes the namespaces first"
        " and is process 1 in them."
    ),
    "A COMMAND becomes the main service beside them, called main; then there need not be a file.",
)
FILES: Final = (
    ("./nsinit.toml, /etc/nsinit/nsinit.toml", "The configuration, if none is named."),
    ("/run/nsinit/control.sock", "The control socket; $XDG_RUNTIME_DIR/nsinit for ordinary users."),
    ("/run/nsinit/NAME/", "What is known of a sandbox."),
    ("/etc/subuid, /etc/subgid", "The ranges of ids that a user may give to a sandbox."),
)
ENVIRONMENT: Final = (
    ("NSINIT_SOCKET", "The control socket, for init and for those who ask it."),
    ("NO_COLOR, FORCE_COLOR", "No colours, or always; otherwise on a terminal that is not dumb."),
    ("COLUMNS", "How wide tables may be, instead of the width of the terminal."),
    ("NSINIT_CONFIG", "The configuration, if none is named."),
    ("NSINIT_RUN_DIR", "The directory that stands for /run/nsinit."),
    ("NSINIT_OPTIONS", "Options of the single command."),
)
SIGNALS: Final = (
    ("TERM, INT", "Stop everything in order, then end; a second one skips the rest of the grace."),
    ("QUIT", "Stop at once."),
    ("HUP", "Read the configuration again; from a terminal that hung up, stop."),
    ("USR1", "Open log files again."),
    ("USR2", "Tell the state on stderr."),
    ("others", "Are sent on to the main service."),
)
EXAMPLES: Final = (
    "nsinit init",
    "nsinit check",
    "nsinit run",
    "nsinit ctl status",
    "docker run --entrypoint nsinit IMAGE -- python3 app.py",
    "nsinit run --namespaces pid,mount,net --hostname box -- sh",
)
CTL: Final = (
    (
        "Asks a running init by its control socket. Without `-s` it is `$NSINIT_SOCKET`, or the only init"
        " that is running. Names of services may be patterns such as `'web*'`, or `tag:NAME`."
    ),
    "Who runs init, and root, may do everything; others what `[init.control]` gives them.",
)
CTL_OPTIONS: Final = (
    ("-s NAME", "The sandbox of that name."),
    ("--socket PATH", "The control socket at that path."),
    ("--json", "JSON instead of text, with every verb."),
    (
        "--format FIELDS",
        "Only these fields of the JSON, a line for each row with a tab between them, such as `name,state,pid`; or a text with fields in braces, such as `'{name} is {state}'`, where `usage.memory` is a field of a field and `\\t` a tab. What is null is -.",
    ),
    (
        "--color WHEN",
        "When to use colours: auto (on a terminal that is not dumb), always or never; by default as NO_COLOR and FORCE_COLOR say.",
    ),
    (
        "--quiet",
        "With what takes long: do not tell on the terminal how far it is, nor wait for a shutdown.",
    ),
    ("--help", "Tell of nsinit ctl, or of a verb."),
)
TOML: Final = (
    (
        "One file in TOML describes the services and the sandbox. `nsinit check` tells everything that is"
        " wrong with it, `nsinit schema` prints a JSON Schema for editors, and `nsinit init` writes a file"
        " to begin with."
    ),
    (
        'Durations are numbers of seconds or text such as `"1h30m"` and `"250ms"`; sizes are bytes or text'
        ' such as `"64KiB"`, `"10M"` (1024-based) and `"10MB"` (1000-based); signals are names or numbers;'
        ' modes are octal (`"0640"`). A command is a list of words, or a string that is split as a shell'
        " splits words."
    ),
    (
        "In any text `${X}` is a variable of nsinit's environment, `${X:-d}` one with a default, `${X:?why}`"
        " one that must be set, and `$$` a dollar sign. An unset variable and an unknown key are errors."
    ),
)
TOML_EXAMPLE: Final = (
    "[services.migrate]",
    'type = "oneshot"',
    'command = "shop-migrate"',
    "",
    "[services.web]",
    'command = ["shop", "--port", "${PORT:-8000}"]',
    'depends_on = { migrate = "completed" }',
    'restart = "always"',
    'stop_timeout = "5s"',
)
SANDBOX: Final = (
    (
        "A sandbox is namespaces with an init of their own, and what is around them: a root file system, a"
        " network, limits. A process outside, the launcher, builds it, step by step; `nsinit run --dry-run`"
        " prints the steps. When one fails, those before it are taken back, and it is named."
    ),
    (
        "In the foreground launcher and init end together. With `--detach` the launcher stays in the"
        " background, and `nsinit list`, `inspect`, `enter`, `stop`, `kill`, `pause` and `unpause` look after"
        " the sandbox."
    ),
)
SANDBOX_PARTS: Final = {
    "namespaces and users": (
        (
            "New are a pid, mount, uts and ipc namespace, for an ordinary user also a user namespace, which"
            " gives the power to make the others. Any of the eight kinds may be new, shared, or joined by a"
            " path, a pid, or the name of a sandbox. `users` says whose ids those inside are."
        ),
    ),
    "files": (
        (
            "A root is a directory, an overlay, an image or a bundle; it needs nothing of nsinit or Python in"
            " it. /proc, /sys (read-only), a minimal /dev, /run and /tmp are mounted in it unless `mounts` has"
            " that target."
        ),
    ),
    "network": (
        (
            "By itself a sandbox shares the host's network. A bridge, macvlan or moved interface needs root;"
            " pasta and slirp4netns do not. Ports of the host lead in by `publish`."
        ),
    ),
    "privileges": (
        (
            "Services have docker's default capabilities without MKNOD, no_new_privs, and docker's default"
            " filter of system calls, unless said otherwise. Limits need a cgroup that nsinit may write to."
        ),
    ),
}
SANDBOX_OPTIONS: Final = (
    (
        "Each key of `[sandbox]` is an option of the same name, and makes a sandbox where the file has none."
        " A list may be given by an option for each item, or as TOML; a table as KEY=VALUE,... or as TOML."
    ),
)
SANDBOX_EXAMPLES: Final = (
    "nsinit run --namespaces pid,mount,net --hostname box -- sh",
    "nsinit run --image shop:1 -p 8080:80 --memory 256M",
    "nsinit run --detach --name shop shop.toml && nsinit enter shop -- ps -ef",
)
