"""The keys about output: of `log` in a service and in `[init]`."""

from __future__ import annotations

from typing import Final

from nsinit.reference.key import Key, Texts

_FILES: Final = {
    "to": Key(
        "Where it goes: console, file, syslog, null or inherit; several as a list.",
        '["console", "file"]',
        '"file" with a `file`, else "console"',
    ),
    "format": Key(
        "How lines look on the console: text, with the time, or JSON.",
        '"json"',
        "that of [init.log]",
    ),
    "file": Key("The log file.", '"/var/log/shop.log"', "none"),
    "max_size": Key("Rotate a file of that size; 0 never does.", '"1MiB"'),
    "keep": Key("How many rotated files stay.", "9"),
    "total": Key("How much all of them may have together.", '"6MiB"', "no limit"),
    "compress": Key("Pack rotated files by gzip.", "false"),
    "mode": Key("Mode bits of new files.", '"0600"'),
    "owner": Key(
        'Whose the files are: a name, a uid or "USER:GROUP".', '"www-data:adm"', "who runs init"
    ),
    "rotate": Key(
        "Begin a new file with the first line of each hour, day, week, month or span, too.",
        '"daily"',
        "by size only",
    ),
    "syslog": Key("The syslog daemon: its address, or a table.", '"udp:192.0.2.1:514"', "/dev/log"),
    "file_format": Key(
        "What is in files: the bytes as they are, lines with the time, or JSON.", '"time"'
    ),
}
_AS_STDOUT: Final = "as for stdout"

TEXTS: Final[Texts] = {
    "InitLog": {
        "": {
            "level": Key("From which level on init tells what it does.", '"warning"'),
            "format": Key(
                "How lines look on the console, init's own too: text, with the time, or JSON.",
                '"json"',
            ),
            "color": Key(
                "Color the names on the console; auto does on a terminal, unless NO_COLOR is set.",
                '"never"',
            ),
        }
    },
    "Log": {
        "": {
            **_FILES,
            "stderr": Key(
                "What is different for stderr: a place, a path, or a table.",
                '"console"',
                _AS_STDOUT,
            ),
            "rate_limit": Key(
                "How many lines each stream may write in a second, or a table; the rest is dropped"
                " and counted.",
                "1000",
                "no limit",
            ),
            "include": Key("Only lines that one of these patterns finds.", '["ERROR"]'),
            "exclude": Key("No lines that one of these patterns finds.", '["GET /health"]'),
            "multiline": Key(
                "The pattern of the first line of a record of several, or a table.",
                '"^[0-9]{4}-"',
                "each line is a record",
            ),
            "ring": Key("How much of its output `nsinit ctl logs` remembers.", '"1MiB"'),
            "line_limit": Key("Longer lines are split, and marked.", '"64KiB"'),
        }
    },
    "StderrLog": {
        "": {name: key._replace(default=_AS_STDOUT) for name, key in _FILES.items()},
    },
    "RateLimit": {
        "": {
            "lines": Key("How many lines a second.", "1000", "no limit"),
            "bytes": Key("How many bytes a second.", '"1MiB"', "no limit"),
            "burst": Key("How many seconds' worth may come at once.", '"5s"'),
        }
    },
    "Multiline": {
        "": {
            "first": Key("The pattern of the first line of a record.", '"^[0-9]{4}-"'),
            "timeout": Key("How long the last record waits for more lines.", '"200ms"'),
            "max_size": Key("A record that is larger is several.", '"16KiB"'),
        }
    },
    "Syslog": {
        "": {
            "address": Key(
                "A path, or unix:, unix-dgram:, udp: or tcp: with a path or a numeric address.",
                '"tcp:192.0.2.1:601"',
            ),
            "format": Key(
                "That of RFC 5424, or the older one of BSD.",
                '"rfc5424"',
                "rfc5424 over a network, else bsd",
            ),
            "facility": Key("What kind of program it is.", '"local0"'),
            "severity": Key("How much it matters.", '"notice"', "info; err for stderr"),
            "app_name": Key("The name in messages.", '"shop"', "that of the service"),
        }
    },
}
