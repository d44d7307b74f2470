"""The keys of `[services.NAME]`."""

from __future__ import annotations

from typing import Final

from nsinit.reference.key import Key, Texts

_WHAT: Final = {
    "command": Key(
        "What is run: a list of words, or a string that is split as a shell splits words."
        " May be missing in [services.main] where the command line, an image or a bundle has one.",
        '["python3", "-m", "http.server"]',
        "must be given",
    ),
    "shell": Key("Give the command, a string, to `/bin/sh -c`.", "true"),
    "type": Key(
        "What the program is: simple goes on running, oneshot runs to an end, notify tells by"
        " sd_notify when it is ready, notify-reload also when a reload is over, forking puts itself"
        " into the background.",
        '"oneshot"',
    ),
    "description": Key("A few words for people; shown by `nsinit ctl status`.", '"the shop"'),
    "autostart": Key("Start it with init; otherwise when it is needed or asked for.", "false"),
    "main": Key(
        "Its end is the end of init, with its exit code. One service at most.",
        "true",
    ),
    "essential": Key(
        "When it has failed for good, init stops the rest and ends with its exit code.",
        "true",
    ),
    "tags": Key("Words by which commands find it, as in `nsinit ctl stop tag:web`.", '["web"]'),
    "replicas": Key(
        "How many instances there are: NAME@1, NAME@2 and so on. `{{index}}` in any text of the"
        " service is the number of the instance.",
        "3",
        "one, called NAME",
    ),
}
_SURROUNDINGS: Final = {
    "working_dir": Key("The directory that it is started in.", '"/srv/shop"', "that of init"),
    "user": Key(
        'Who runs it: a name, a uid or "USER:GROUP". HOME, USER, LOGNAME and SHELL follow.',
        '"www-data"',
        "who runs init",
    ),
    "group": Key("Its group, a name or a gid.", '"adm"', "that of the user"),
    "groups": Key(
        "Its further groups, names or gids.", '["adm", 4242]', "those that list the user"
    ),
    "umask": Key("Mode bits that new files do not get.", '"027"', "that of init"),
    "environment": Key(
        'Variables; a table or a list of "NAME=value". `{file = PATH}` as a value reads a secret'
        " from a file. Goes before `env_file`, and that before `[init].environment`.",
        '{ PORT = 8000, PASSWORD = { file = "/run/secrets/db" } }',
    ),
    "env_file": Key(
        "Files of variables in docker compose's dialect; one that ends in ? may be missing.",
        '["app.env", "local.env?"]',
    ),
    "inherit_env": Key("Give it the variables that init was started with.", "false"),
    "limits": Key(
        "Resource limits by the names of getrlimit(2) in small letters: one number, or"
        ' "soft:hard", or "unlimited".',
        '{ nofile = "1024:4096", core = 0 }',
        "those that init was given",
    ),
    "nice": Key("Nice value, from -20 (first) to 19 (last).", "10", "that of init"),
    "ioprio": Key(
        'Priority for disks: "idle", "best-effort:0" to "best-effort:7", "realtime:0" to'
        ' "realtime:7".',
        '"best-effort:7"',
        "that of init",
    ),
    "scheduler": Key(
        'Scheduling policy: "other", "batch", "idle", "fifo:1" to "fifo:99", "rr:1" to "rr:99".',
        '"batch"',
        "that of init",
    ),
    "cpu_affinity": Key("The CPUs that it may run on.", '"0-3,5"', "those of init"),
    "oom_score_adj": Key(
        "From -1000 (never) to 1000 (first): who is killed when memory is short.",
        "500",
        "that of init",
    ),
    "tty": Key(
        "true gives each run a terminal that init makes, and `nsinit ctl attach` shows; a path is"
        " a device to run on.",
        "true",
        "none",
    ),
    "pass_fds": Key("Descriptors that init was started with, to pass on as they are.", "[3]"),
}
_NEEDS: Final = {
    "depends_on": Key(
        "What it needs, and in which condition: started, ready, completed or exited. A list means"
        " ready, of a oneshot completed.",
        '{ db = "ready", migrate = "completed" }',
    ),
    "wants": Key("Services to start before it, whatever becomes of them.", '["cache"]'),
    "after": Key("Services to start it after, where both are started.", '["network"]'),
    "before": Key("Services to start it before, where both are started.", '["web"]'),
}
_READY: Final = {
    "ready": Key(
        "How it is known that it is ready: it tells by sd_notify, a descriptor or a line, or a"
        " probe finds out.",
        '{ http = "http://127.0.0.1:8000/" }',
        "after min_uptime",
    ),
    "start_timeout": Key(
        "How long it may take until it is ready; of a oneshot, until it is done.",
        '"30s"',
        "60s where readiness is declared, else none",
    ),
    "min_uptime": Key(
        "How long it must have run to count as started, where it does not tell itself.",
        '"5s"',
        "1s, of a oneshot 0",
    ),
    "pid_file": Key(
        "Of a forking service: the file that its daemon writes its pid to.",
        '"/run/daemon.pid"',
        "the one process that is left",
    ),
    "health": Key(
        "How to tell while it runs that it works, and what to do when it does not.",
        '{ tcp = 5432, interval = "10s", retries = 3 }',
        "nothing is asked",
    ),
    "watchdog": Key(
        "It has to say WATCHDOG=1 at least so often, or gets ABRT; 0 is never.", '"30s"'
    ),
}
_RESTARTS: Final = {
    "restart": Key(
        "After which ends it is started again.",
        '"always"',
        '"on-failure"; of a oneshot, of main and with a schedule "no"',
    ),
    "restart_delay": Key("Before the first restart; each further one waits twice as long.", '"1s"'),
    "restart_max_delay": Key("The longest wait before a restart.", '"1min"'),
    "restart_limit": Key(
        'How many restarts in a row; then it has failed. "unlimited" is no limit.', "5"
    ),
    "restart_reset": Key(
        "A run that was ready this long is not one of those in a row, and is followed at once.",
        '"5s"',
    ),
    "success_exit_codes": Key(
        "Exit codes, and signals that it dies from, that are no failure.", '[0, 143, "TERM"]'
    ),
    "restart_prevent_codes": Key(
        "Exit codes and signals after which it is not started again.", "[64, 78]", "none"
    ),
    "on_failure": Key(
        "What else happens when a run has failed: nothing, those that need it are restarted, or"
        " init shuts down.",
        '"restart-dependents"',
    ),
}
_STOPS: Final = {
    "stop_signal": Key(
        "A signal, or signals and waits in turn; what is left after stop_timeout gets KILL.",
        '["QUIT", "5s", "TERM"]',
    ),
    "stop_timeout": Key("How long after the last signal KILL follows.", '"30s"'),
    "kill_mode": Key(
        "Whom the stop signals go to: its process group, everything in its cgroup, the main process"
        " alone with strays left running (process), or first the main process alone (mixed).",
        '"mixed"',
    ),
    "reload_signal": Key(
        "What `nsinit ctl reload` sends.", '"USR1"', "HUP where a service tells of reloads"
    ),
}
_HOOKS: Final = {
    "pre_start": Key(
        "Run before each start; without success the start has failed.",
        '"mkdir -p /run/shop"',
        "none",
    ),
    "post_start": Key(
        "Run when it is ready, before dependents start.", '["touch", "/run/up"]', "none"
    ),
    "pre_stop": Key("Run before it is stopped on request.", '"shopctl drain"', "none"),
    "stop_command": Key(
        "Run to stop it, before the signals; what undoes a oneshot.",
        '{ command = "shopctl stop", timeout = "10s" }',
        "none",
    ),
    "post_stop": Key(
        "Run after every end, with the result in its environment; exit code 125 means no restart.",
        '"rm -rf /run/shop"',
        "none",
    ),
    "on_fail": Key(
        "Run once when no restart is left.", '{ command = "mail-admin", user = 0 }', "none"
    ),
    "reload_command": Key("What `nsinit ctl reload` runs.", '"nginx -s reload"', "none"),
}
_TRIGGERS: Final = {
    "schedule": Key(
        "When it runs: a cron line, or a table.",
        '{ cron = "30 2 * * *", timezone = "Europe/Berlin" }',
        "as soon as it may",
    ),
    "watch": Key(
        "Files and directories whose changes restart or reload it: paths, or a table.",
        '{ paths = ["src"], cascade = true }',
        "nothing is watched",
    ),
    "sockets": Key(
        "Listening sockets that init makes and hands over as systemd does: addresses, or tables.",
        '["tcp:127.0.0.1:8080", { listen = "/run/x.sock", mode = "0660" }]',
    ),
    "fd_store_max": Key("How many descriptors init keeps for it over restarts (FDSTORE=1).", "4"),
}
_PLACE: Final = {
    "log": Key(
        "Where its output goes: a place, a path, or a table.",
        '{ file = "/var/log/shop.log", max_size = "1MiB", keep = 9 }',
        "the console",
    ),
    "namespaces": Key(
        'Namespaces of its own, by kind: "new", "shared", a path or a pid.',
        '{ net = "new", pid = "new" }',
    ),
    "rootfs": Key("The directory that is its root.", '"/srv/roots/shop"', "that of init"),
    "mounts": Key(
        'What only it sees mounted: "SOURCE:TARGET[:OPTION,...]", or tables.',
        '["/srv/data:/data:ro", { type = "tmpfs", target = "/srv" }]',
    ),
    "resources": Key(
        "A cgroup of its own, with these limits.",
        '{ memory = "64M", cpu = "20%", pids = 50 }',
        "no group",
    ),
    "resources_optional": Key("Warn of what can't be limited here, and go on.", "true"),
}
SECURITY: Final = {
    "capabilities": Key(
        'Exactly these. "-NAME" takes away from those before it.',
        '["ALL", "-SYS_ADMIN"]',
        "those of init; in a sandbox docker's without MKNOD",
    ),
    "cap_add": Key("These besides.", '["NET_ADMIN"]', "none"),
    "cap_drop": Key("Not these.", '["NET_RAW"]', "none"),
    "ambient": Key(
        "Of these: what services keep whose user is not root.", '["NET_BIND_SERVICE"]', "none"
    ),
    "inheritable": Key(
        "Of these: what a file's own inheritable set may give.", '["NET_RAW"]', "none"
    ),
    "no_new_privs": Key(
        "Set-uid programs give nothing (on unless said otherwise). Outside of a sandbox it is on"
        " where seccomp or landlock is given.",
        "false",
        "true in a sandbox",
    ),
    "seccomp": Key(
        "System calls: default, unconfined, a file, or a table.",
        '{ deny = ["@mount", "bpf"] }',
        '"default" in a sandbox, else "unconfined"',
    ),
    "landlock": Key(
        "The files and ports that can be reached.",
        '{ read = ["/etc"], write = ["/tmp"], execute = ["/usr", "/bin", "/lib"] }',
        "all",
    ),
}
TEXTS: Final[Texts] = {
    "Service": {
        "what is run": _WHAT,
        "user, environment, priority": _SURROUNDINGS,
        "dependencies": _NEEDS,
        "readiness and health": _READY,
        "restarts": _RESTARTS,
        "stopping and reloading": _STOPS,
        "hooks": _HOOKS,
        "schedules, watched files, sockets": _TRIGGERS,
        "output, places, limits": _PLACE,
        "what it may do": SECURITY,
    }
}
