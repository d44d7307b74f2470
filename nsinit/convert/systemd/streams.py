"""Where a service runs, and where its input and output go: systemd.exec(5). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsinit.convert.document import Value
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Draft

_FILES: Final = ("file", "append", "truncate")
_LOGS: Final = (
    "journal", "kmsg", "syslog", "journal+console", "kmsg+console", "syslog+console", "inherit",
)  # fmt: skip


def place(draft: Draft) -> None:
    """Where it runs."""
    draft.set("rootfs", "RootDirectory", _path)
    found = draft.read("WorkingDirectory", str)
    draft.table.set("working_dir", "/")
    if found is None:
        return
    path, entry = found
    if path.startswith("-"):
        path = path[1:]
        draft.cannot(entry, "a directory that is missing fails the start")
    if path == "~":
        fields = draft.tree.account(draft.user or "root")
        if fields is None:
            draft.cannot(entry, "the home of the user is not known here")
            return
        path = fields[5]
    draft.table.set("working_dir", path)


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("expected an absolute path")
    return text


def streams(draft: Draft) -> None:
    """Input and output."""
    tty = draft.text("TTYPath") or "/dev/console"
    given = draft.read("StandardInput", str)
    word = given[0] if given is not None else "null"
    if word in ("tty", "tty-force", "tty-fail"):
        draft.table.set("tty", tty)
    elif given is not None and word == "socket":
        draft.from_socket = given[1]
    elif given is not None and word not in ("null", ""):
        draft.cannot(given[1], "the input of a service is empty")
    out, err = draft.read("StandardOutput", str), draft.read("StandardError", str)
    log: dict[str, Value] = {}
    if out is not None and not (word == "socket" and out[0] in ("inherit", "socket")):
        log = _sink(draft, *out)
    if err is not None and not (out is not None and err[0] == out[0]):
        own = _sink(draft, *err)
        if log != own:
            log["stderr"] = own or {"to": "console"}
    if log and "tty" not in draft.table.keys:
        draft.table.set("log", log)


def _sink(draft: Draft, text: str, entry: Entry) -> dict[str, Value]:
    kind, colon, path = text.partition(":")
    if kind in _FILES and colon:
        return _file(draft, kind, path, entry)
    if text == "null":
        return {"to": "null"}
    if text not in _LOGS and not (text == "tty" and "tty" in draft.table.keys):
        draft.cannot(entry, "the output goes to the log")
    return {}


def _file(draft: Draft, kind: str, path: str, entry: Entry) -> dict[str, Value]:
    if not path.startswith("/") or path.startswith(("/dev/", "/proc/")):
        draft.cannot(entry, "this is no file that lines are appended to")
        return {}
    if kind != "append":
        draft.cannot(entry, f"a log file is appended to{', not overwritten' * (kind == 'file')}")
    return {"file": path, "max_size": 0}
