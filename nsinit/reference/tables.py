"""The keys of the tables within a service or a sandbox, and of `[init]` and the top."""

from __future__ import annotations

from typing import Final

from nsinit.reference.key import Key, Texts

_USER_OF_HOOK: Final = "that of the service; of hooks of [init], who runs init"
_PROBES: Final = {
    "exec": Key("A command that ends with 0.", '["pg_isready"]', "none"),
    "http": Key("A URL, or a table, that is asked for.", '"http://127.0.0.1:8000/health"', "none"),
    "tcp": Key('A port, or "HOST:PORT", that accepts.', "5432", "none"),
    "unix": Key("A socket that accepts, @ for an abstract one.", '"/run/db.sock"', "none"),
}
TEXTS: Final[Texts] = {
    "Config": {
        "": {
            "include": Key(
                "More files, by patterns relative to this one; a service is described in one of"
                " them.",
                '["conf.d/*.toml"]',
            ),
            "init": Key("What concerns process 1 itself.", "{ keep_running = true }"),
            "services": Key(
                "The services, by name.", "{ web = { command = \"nginx -g 'daemon off;'\" } }"
            ),
            "sandbox": Key(
                "Namespaces that nsinit makes around itself and its services, their files, network"
                " and limits.",
                '{ hostname = "shop" }',
                "none: init where it is started",
            ),
        }
    },
    "Init": {
        "": {
            "pre_start": Key("Run before the first service.", '"sysctl -p"', "none"),
            "post_stop": Key("Run after the last service.", '"sync"', "none"),
            "shutdown_timeout": Key(
                "How long a whole shutdown may take, shared out over the services.", '"25s"'
            ),
            "control": Key(
                "The control socket: its path, or a table.",
                '{ mode = "0660", operate = ["@adm"] }',
                "/run/nsinit/control.sock",
            ),
            "listen": Key(
                "A TCP port with figures, probes and the status page: an address, or a table.",
                '"127.0.0.1:9150"',
                "none",
            ),
            "log": Key(
                "What init says itself, and how lines look on the console: a level or a table.",
                '{ level = "warning", format = "json" }',
            ),
            "forward_signals": Key(
                "Signals that are sent on to the main service instead of meant for init.",
                '["USR1", "HUP"]',
            ),
            "environment": Key("Variables for every service.", '{ TZ = "Europe/Berlin" }'),
            "keep_running": Key("Stay when no service is left that could run.", "true"),
            "syslog": Key(
                "Have /dev/log, or a socket at another path, for services that log by syslog(3).",
                "true",
            ),
            "journal": Key(
                "Have a socket for services that log to the journal of systemd.",
                "true",
            ),
            "recorder": Key(
                "How much of what the core was told is kept for scripts/replay; 0 keeps nothing.",
                '"4M"',
            ),
            "loop": Key("The event loop; auto is uvloop where it is installed.", '"asyncio"'),
        }
    },
    "Control": {
        "": {
            "path": Key("Where the socket is.", '"/run/shop.sock"', "/run/nsinit/control.sock"),
            "mode": Key("Mode bits of the socket.", '"0660"'),
            "read": Key(
                'Who may look: users ("www", 1000) and groups ("@adm", "@1000").', '["www"]'
            ),
            "operate": Key("Who may also start, stop and signal services.", '["@adm"]'),
            "admin": Key("Who may do everything, as root and who runs init may.", '["@wheel"]'),
        }
    },
    "Listen": {
        "": {
            "address": Key(
                "Where it listens: an address and a port, * for every address.",
                '"[::1]:9150"',
                "must be given",
            ),
            "status_page": Key(
                "With the status page and what that shows, beside figures and probes.", "false"
            ),
            "token_file": Key(
                "A file with a token of 16 characters or more: who sends it may read logs too.",
                '"/run/secrets/nsinit-token"',
                "none",
            ),
            "actions": Key("Whoever has the token may also start and stop services.", "true"),
            "hosts": Key(
                "Names by which browsers reach it, beside addresses and names without a dot.",
                '["box.example.org"]',
            ),
        }
    },
    "Hook": {
        "": {
            "command": Key(
                "What is run: words, or a string that is split into them.",
                '["touch", "/run/up"]',
                "must be given",
            ),
            "shell": Key("Give the command, a string, to `/bin/sh -c`.", "true"),
            "user": Key("Who runs it.", '"root"', _USER_OF_HOOK),
            "timeout": Key(
                "How long it may take until it is killed.",
                '"10s"',
                "60s on the way up, 5s on the way down, of a stop_command stop_timeout",
            ),
        }
    },
    "Http": {
        "": {
            "url": Key("What is asked for.", '"http://127.0.0.1/"', "must be given"),
            "method": Key("How it is asked for.", '"HEAD"'),
            "status": Key("Good answers: numbers, or ranges.", '[200, "300-399"]'),
            "headers": Key("Headers of the request.", '{ Host = "shop" }'),
        }
    },
    "Ready": {
        "": {
            "notify": Key("It tells by sd_notify(3): READY=1.", "true"),
            "fd": Key("It writes a newline to this descriptor, as under s6.", "3", "none"),
            "log": Key(
                "It writes a line that this regular expression (Python's) finds.",
                "'listening on port \\d+'",
                "none",
            ),
            **_PROBES,
            "file": Key("A file that is there.", '"/run/shop.ready"', "none"),
            "interval": Key("The longest wait between two attempts.", '"500ms"'),
            "timeout": Key("How long one attempt may take.", '"1s"'),
        }
    },
    "Health": {
        "": {
            **_PROBES,
            "interval": Key("From the end of a check to the next.", '"30s"'),
            "timeout": Key("How long a check may take.", '"5s"'),
            "retries": Key("After how many failures in a row it is unhealthy.", "5"),
            "start_period": Key("For so long after the start failures do not count.", '"20s"'),
            "action": Key("What is done with a service that is unhealthy.", '"none"'),
        }
    },
    "Schedule": {
        "": {
            "cron": Key(
                'A cron line of five fields, of six with seconds first, or "@daily".',
                '"*/5 * * * *"',
                "none",
            ),
            "every": Key("Every so often from the start of init on.", '"10min"', "none"),
            "timezone": Key("Whose time a cron line is in.", '"Europe/Berlin"', "that of init"),
            "jitter": Key("Up to that much later, another each time.", '"5min"'),
            "overlap": Key("What happens when the last run goes on.", '"queue"'),
            "missed": Key(
                "After a sleep of the machine, or a step of its clock, over the time.", '"skip"'
            ),
        }
    },
    "Watch": {
        "": {
            "paths": Key(
                "Files, and directories with all below them; they need not exist yet.",
                '["src", "app.conf"]',
                "must be given",
            ),
            "exclude": Key("Patterns of what does not count.", '["*.log", "build/*"]'),
            "debounce": Key("How long there must have been no change.", '"2s"'),
            "cascade": Key("Restart also what depends on it.", "true"),
            "action": Key("What is done.", '"reload"'),
        }
    },
    "Socket": {
        "": {
            "listen": Key(
                'The address: "tcp:HOST:PORT", "tcp:PORT", "udp:...", "unix:/PATH", "/PATH",'
                ' "unix-dgram:/PATH", "@NAME".',
                '"tcp:127.0.0.1:8080"',
                "must be given",
            ),
            "name": Key("Its name in LISTEN_FDNAMES.", '"http"', "that of the service"),
            "mode": Key("Mode bits of a socket's file.", '"0660"', "0666"),
            "user": Key("Whose the file is.", '"www-data"', "who runs init"),
            "group": Key("Of which group the file is.", '"adm"', "that of init"),
            "backlog": Key("How many connections may wait.", "128", "as many as the kernel takes"),
            "reuse_port": Key("Others may bind the port as well (SO_REUSEPORT).", "true"),
            "ipv6_only": Key("An address of IPv6 leaves IPv4 out.", "true"),
            "lazy": Key("Start the service at the first connection.", "true"),
            "accept": Key("A process for each connection, as under inetd.", "true"),
            "max_connections": Key("How many of these at once.", "10", "no limit"),
        }
    },
    "Seccomp": {
        "": {
            "profile": Key(
                'The rules to start from: "default", "unconfined", or a profile of docker in JSON.',
                '"profile.json"',
                "none",
            ),
            "default": Key(
                "What is done with calls that nothing is said of.",
                '"allow"',
                "as the lists suggest",
            ),
            "allow": Key("Calls and groups of them that may be made.", '["@io", "openat"]'),
            "deny": Key("Calls and groups of them that may not.", '["@mount", "bpf"]'),
            "action": Key("What happens to a call that is not allowed.", '"kill"'),
        }
    },
    "Landlock": {
        "": {
            "read": Key(
                "What may be read; a path that ends in ? may be missing.", '["/etc"]', "all"
            ),
            "write": Key("What may be written, and read.", '["/tmp"]', "all"),
            "execute": Key("What may be executed, and read.", '["/usr", "/lib64?"]', "all"),
            "connect": Key("TCP ports to connect to.", "[443]", "all"),
            "bind": Key("TCP ports to listen on.", "8080", "all"),
            "scope": Key(
                "What must stay among its own: signals, abstract sockets.", '["signal"]', "nothing"
            ),
            "strict": Key("Do not start where the kernel can't restrict all of it.", "true"),
        }
    },
}
