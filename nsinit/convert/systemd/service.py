"""`[Service]`: what is run, when it is up, when it comes back, how it is stopped. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from nsinit.convert.systemd import values
from nsinit.convert.systemd.commands import script
from nsinit.model.listening import FD_STORE_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nsinit.convert.document import Value
    from nsinit.convert.systemd.commands import Command
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Draft

_TIMEOUT: Final = 90.0  # s, systemd-system.conf(5): DefaultTimeoutStartSec=, ...StopSec=
_RESTART: Final = 0.1
_RESET_MIN: Final = 0.1
_BURST: Final = (10.0, 5)  # StartLimitIntervalSec=, StartLimitBurst=
_TYPES: Final = ("simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle")
_CLEAN: Final = (0, "HUP", "INT", "TERM", "PIPE")
_KINDS: Final = {"forking": "forking", "oneshot": "oneshot"}
_RESTARTS: Final = {
    "no": "no",
    "always": "always",
    "on-success": "on-success",
    "on-failure": "on-failure",
    "on-abnormal": "on-failure",
    "on-abort": "on-failure",
    "on-watchdog": "no",
}


def program(draft: Draft) -> None:
    """The type and the commands; first of all, since others depend on them."""
    said = draft.unit.has("Service", "ExecStart")
    start = draft.commands("ExecStart")
    bus = draft.last("BusName")
    asked = draft.read("Type", _word(_TYPES))
    default = "dbus" if bus is not None else "simple" if start else "oneshot"
    kind = asked[0] if asked is not None else default
    if kind == "dbus" and (entry := bus or (asked and asked[1])):
        draft.cannot(entry, "its name on the bus is not waited for")
    draft.kind = _KINDS.get(kind, kind if kind.startswith("notify") else "simple")
    if draft.kind != "simple":
        draft.table.set("type", draft.kind)
    else:
        draft.table.set("min_uptime", 0)
    stays = draft.read("RemainAfterExit", values.boolean)
    draft.stays = stays is not None and stays[0]
    if stays is not None and draft.stays and draft.kind != "oneshot":
        draft.cannot(stays[1], "a service whose process has ended is not up")
    _main(draft, start)
    if said and not start:  # it has been told why
        draft.table.set("command", ["/bin/false"], remark="its own can't be read")
    pid_file = draft.last("PIDFile")
    if pid_file is not None and draft.kind == "forking":
        path = draft.unit.fill(pid_file.value)
        draft.table.set("pid_file", path if path.startswith("/") else f"/run/{path}")
    elif pid_file is not None:
        draft.remark(pid_file, "the process that is started is the main one")


def _main(draft: Draft, start: list[Command]) -> None:
    if not start:
        draft.table.set("command", ["/bin/true"])
        return
    oneshot = draft.kind == "oneshot"
    launches = oneshot or draft.kind == "forking"  # what is run is not the service itself
    if not oneshot:
        for command in start[1:]:
            draft.cannot(command.entry, "only a oneshot has several commands")
        start = start[:1]
    if all(command.is_privileged for command in start):
        draft.is_privileged = True
    for command in start:
        if command.is_privileged and not draft.is_privileged:
            draft.cannot(command.entry, "all commands of a service have one user")
    made = script(start, excuse=launches)
    draft.table.set("command", made)
    if isinstance(made, str):
        draft.table.set("shell", value=True)
    restart = draft.unit.peek("Service", "Restart")
    always = bool(restart) and restart[-1].value == "always"  # then no code matters
    if start[0].may_fail and not launches and not always:
        codes: list[Value] = [*range(256), *_CLEAN[1:], "ABRT", "KILL", "QUIT", "SEGV"]
        draft.table.set("success_exit_codes", codes, remark="of a command with a '-'")


def hooks(draft: Draft) -> None:
    """The commands around the main one, each with its time limit."""
    for entry in draft.unit.take("Service", "ExecCondition"):
        draft.cannot(entry, "a service is not left out by a condition")
    start, stop = limits(draft)
    for key, ours, limit in (
        ("ExecStartPre", "pre_start", start),
        ("ExecStartPost", "post_start", start),
        ("ExecStopPost", "post_stop", stop),
    ):
        if found := draft.commands(key):
            draft.table.set(ours, _hook(draft, found, limit))
    _reload(draft, start)
    ending = draft.commands("ExecStop")
    if not ending:
        return
    if draft.kind != "oneshot" or draft.stays:
        draft.table.set("stop_command", _hook(draft, ending, None))
    elif "post_stop" in draft.table.keys:
        draft.cannot(ending[0].entry, "there is one command after the end: that of ExecStopPost")
    else:  # it is not up after its end, which is stopped at once then
        draft.table.set("post_stop", _hook(draft, ending, stop))


def limits(draft: Draft) -> tuple[float, float]:
    """How long (s) a start and a stop may take; sets the keys for it."""
    both = draft.span("TimeoutSec")
    start, stop = draft.span("TimeoutStartSec"), draft.span("TimeoutStopSec")
    start, stop = (both if one is None else one for one in (start, stop))
    default = math.inf if draft.kind == "oneshot" else _TIMEOUT
    start = default if start is None else start or math.inf
    stop = _TIMEOUT if stop is None else stop or math.inf
    if draft.kind not in ("simple", "oneshot") or (draft.kind == "oneshot" and start < math.inf):
        draft.table.set("start_timeout", values.written(start))
    draft.table.set("stop_timeout", values.written(stop))
    return start, stop


def _hook(draft: Draft, commands: Sequence[Command], limit: float | None) -> dict[str, Value]:
    made = script(commands)
    hook: dict[str, Value] = {"command": made}
    if isinstance(made, str):
        hook = {"shell": True, "command": made}
    raised = [command for command in commands if command.is_privileged]
    if raised and draft.user and len(raised) == len(commands):
        hook["user"] = 0
    elif raised and draft.user:
        draft.cannot(raised[0].entry, "all commands of a hook have one user")
    if limit is not None:
        hook["timeout"] = values.written(limit)
    return hook


def _reload(draft: Draft, limit: float) -> None:
    found = draft.commands("ExecReload")
    signal = draft.read("ReloadSignal", values.signal_name)
    if not found:
        if signal is not None:
            draft.table.set("reload_signal", signal[0])
        return
    killed = _killed(found[0].argv) if len(found) == 1 else ""
    if killed:
        draft.table.set("reload_signal", killed)
    elif draft.kind == "notify-reload":
        draft.cannot(found[0].entry, "a service that reports its reload is reloaded by a signal")
    else:
        draft.table.set("reload_command", _hook(draft, found, limit))


def _killed(argv: Sequence[str]) -> str:
    """The signal of a `kill -HUP $MAINPID`; "" if it is anything else."""
    words = list(argv)
    if words[0].split("/")[-1] != "kill" or words[-1] not in ("$MAINPID", "${MAINPID}"):
        return ""
    options = words[1:-1]
    if len(options) == 2 and options[0] == "-s":
        options = [f"-{options[1]}"]
    if len(options) != 1 or not options[0].startswith("-"):
        return ""
    try:
        return values.signal_name(options[0][1:])
    except ValueError:
        return ""


# --- Restarts -------------------------------------------------------------------------------------


def restarts(draft: Draft) -> None:
    """Whether, when and how often it comes back, and what is a success."""
    _success(draft)
    delay, longest = draft.span("RestartSec"), draft.span("RestartMaxDelaySec")
    steps = draft.last("RestartSteps")
    interval = draft.span("StartLimitIntervalSec", "Unit")
    burst = draft.read("StartLimitBurst", lambda text: values.integer(text, 0, 10**6), "Unit")
    found = draft.read("Restart", _word(_RESTARTS))
    asked = found[0] if found is not None else "no"
    policy = _RESTARTS[asked]
    if draft.kind == "oneshot" and policy in ("always", "on-success") and found is not None:
        draft.cannot(found[1], "a oneshot runs until it succeeds")
        policy = "no"
    prevent: list[Value] = []
    for word, entry in draft.words("RestartPreventExitStatus"):
        _add_status(draft, prevent, word, entry)
    if asked in ("on-abnormal", "on-abort"):
        prevent = [*range(1, 256), *(one for one in prevent if isinstance(one, str))]
    if found is not None and asked in ("on-watchdog", "on-abort"):
        draft.cannot(found[1], "a timeout of the watchdog is a failure like others")
    draft.table.set("restart", policy)
    if policy == "no":
        return
    if prevent:
        draft.table.set("restart_prevent_codes", prevent)
    delay = _RESTART if delay is None else delay
    if math.isinf(delay):
        delay = values.LONGEST
    draft.table.set("restart_delay", values.written(delay))
    draft.table.set("restart_max_delay", values.written(max(delay, longest or 0)))
    if steps is not None and longest is not None:
        draft.remark(steps, "the delay doubles from one restart to the next")
    window = _BURST[0] if interval is None else interval
    count = _BURST[1] if burst is None else burst[0]
    if not window or not count or delay * count >= window:
        draft.table.set("restart_limit", "unlimited")
        draft.table.set("restart_reset", values.written(values.LONGEST))  # the delay counts always
        return
    text = f"{count} starts in {values.written(window)}, all in all"
    draft.table.set("restart_limit", max(count - 1, 0), remark=text)
    draft.table.set("restart_reset", values.written(max(window / count, _RESET_MIN)))


def _success(draft: Draft) -> None:
    for word, entry in draft.words("RestartForceExitStatus"):
        draft.cannot(entry, f"{word} does not restart whatever the policy")
    codes: list[Value] = [0] if draft.kind == "oneshot" else list(_CLEAN)
    count = len(codes)
    for word, entry in draft.words("SuccessExitStatus"):
        _add_status(draft, codes, word, entry)
    if "success_exit_codes" not in draft.table.keys and (
        len(codes) > count or draft.kind != "oneshot"
    ):
        draft.table.set("success_exit_codes", codes)


def _add_status(draft: Draft, codes: list[Value], word: str, entry: Entry) -> None:
    try:
        code = values.exit_status(word)
    except ValueError as error:
        draft.cannot(entry, str(error))
        return
    if code not in codes:
        codes.append(code)


# --- Stopping -------------------------------------------------------------------------------------


def stopping(draft: Draft) -> None:
    """The signals, and to whom they go."""
    found = draft.read("KillMode", _word(("control-group", "mixed", "process", "none")))
    if found is not None and found[0] == "control-group":
        draft.table.set("kill_mode", "cgroup")
        draft.table.set("resources_optional", value=True)
    elif found is not None and found[0] == "none":
        draft.cannot(found[1], "what is stopped is ended")
        draft.table.set("kill_mode", "process")
    elif found is not None:
        draft.table.set("kill_mode", found[0])
    signal = draft.read("KillSignal", values.signal_name)
    name = signal[0] if signal is not None else "TERM"
    if draft.flag("SendSIGHUP"):
        draft.table.set("stop_signal", [name, "0s", "HUP"])
    elif name != "TERM":
        draft.table.set("stop_signal", name)
    kills = draft.last("SendSIGKILL")
    if kills is not None and kills.value.lower() in ("no", "false", "0", "off", "n", "f"):
        draft.cannot(kills, "what does not end in time is killed")
    final = draft.read("FinalKillSignal", values.signal_name)
    if final is not None and final[0] != "KILL":
        draft.cannot(final[1], "the last signal is KILL")
    store = draft.read("FileDescriptorStoreMax", lambda text: values.integer(text, 0, 1 << 31))
    if store is not None and store[0]:
        draft.table.set("fd_store_max", min(store[0], FD_STORE_MAX))
    watchdog = draft.span("WatchdogSec")
    if watchdog and not math.isinf(watchdog):
        draft.table.set("watchdog", values.written(watchdog))
    abort = draft.read("WatchdogSignal", values.signal_name)
    if abort is not None and abort[0] != "ABRT":
        draft.cannot(abort[1], "a watchdog that is not fed ends in ABRT")


def _word(known: Iterable[str]) -> Callable[[str], str]:
    names = tuple(known)

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"expected one of {', '.join(names)}")
        return text

    return read
