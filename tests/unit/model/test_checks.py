"""Each check tells of its own trouble, and is silent when all is right."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Literal

import pytest

from nsinit.model import (
    checks,
    checks_confinement,
    checks_network,
    checks_own,
    checks_publish,
    checks_ready,
    checks_resources,
    checks_root,
    checks_sandbox,
    checks_security,
    checks_users,
    listening,
    logs,
    remote,
)
from nsinit.model import checks_triggers as triggers
from nsinit.model.decode import decode
from nsinit.model.intake import intakes_have_places
from nsinit.model.report import Report, Source, dotted
from nsinit.model.sandboxes import Sandbox
from nsinit.model.spec import Config, Init, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Check = Callable[[Config], Iterator[checks.Finding]]

KNOWN = 'expected "new", "shared", "/path", a pid or "sandbox:NAME"'
A = "[services.a]\ncommand = 'x'\n"
B = "[services.b]\ncommand = 'x'\n"
ONESHOT = "[services.b]\ncommand = 'x'\ntype = 'oneshot'\n"


def config(text: str) -> Config:
    """A configuration whose types are right, unchecked."""
    data = tomllib.loads(text)
    report = Report([Source("n.toml", text, data)])
    made = Config(
        init=decode(data.get("init", {}), Init, ("init",), report),
        services={
            name: decode(table, Service, ("services", name), report)
            for name, table in data.get("services", {}).items()
        },
        sandbox=decode(data["sandbox"], Sandbox, ("sandbox",), report)
        if "sandbox" in data
        else None,
    )
    report.raise_if_wrong()
    return made


def found(check: Check, text: str) -> list[str]:
    """What a check finds, as "key path: message (hint)"."""
    return [
        f"{dotted(path)}: {message}" + (f" ({hint})" if hint else "")
        for path, message, hint in check(config(text))
    ]


WRONG: list[tuple[Check, str, list[str]]] = [
    (checks_resources.limits_can_be_lived_with, "[sandbox.resources]\nmemory = 4096\n"
        "memory_high = '2M'\n" + A + "[services.a.resources.io]\nlimits = [{device = 'vda'}, "
        "{device = '8:0', read = 0}]\n", [
        "sandbox.resources.memory: expected at least 1 MiB, got 4096 bytes",
        "sandbox.resources.memory_high: is above memory, and would never be reached",
        ('services.a.resources.io.limits[0].device: expected "/dev/NAME", "MAJOR:MINOR" or an '
        "absolute path, got 'vda'"),
        ("services.a.resources.io.limits[0]: limits nothing (give one of read, write, read_ops, "
        "write_ops)"),
        "services.a.resources.io.limits[1].read: nothing could ever be done with the device"]),
    (checks_resources.parent_is_a_group, "[sandbox]\ncgroup_parent = '/a/../b'\n" + A, [
        ("sandbox.cgroup_parent: expected the absolute path of a group such as /batch, got "
        "'/a/../b'")]),
    (checks_resources.services_fit_into_the_sandbox, "[sandbox]\nresources = {pids = 5}\n" + A +
        "resources = {pids = 6, cpu = 3}\n", [
        "services.a.resources.pids: has no effect: it is more than the sandbox has"]),
    (checks_resources.groups_are_needed, "[sandbox]\nresources_optional = true\n" + A +
        "resources_optional = true\n" + B + "kill_mode = 'cgroup'\nresources_optional = true\n", [
        "sandbox.resources_optional: has no effect: there are no resources",
        "services.a.resources_optional: has no effect: there are no resources"]),
    (checks_security.added_or_dropped, "[sandbox]\ncap_add = 'ALL'\ncap_drop = 'ALL'\n" + A +
        "cap_add = ['KILL', 'CHOWN']\ncap_drop = ['CHOWN', 'BPF']\n", [
        "sandbox.cap_add: ALL is in cap_drop too",
        "services.a.cap_add: CHOWN is in cap_drop too"]),
    (checks_security.ambient_is_within, A + "capabilities = ['KILL']\nambient = 'CHOWN'\n", [
        ("services.a.ambient: CHOWN is not among its capabilities (name it in cap_add too; there "
        "are: KILL)")]),
    (checks_security.ambient_is_within, "[sandbox]\ncap_drop = 'ALL'\nambient = 'BPF'\n" + A, [
        ("sandbox.ambient: BPF is not among its capabilities (name it in cap_add too; there are: "
        "none)")]),
    (checks_security.directories_are_inside, "[sandbox]\n" + A + "working_dir = '/proc/self/fd/3'\n"
        + B + "working_dir = '/x/..//proc/./1/root'\n", [
        "services.a.working_dir: leads out of the sandbox",
        "services.b.working_dir: leads out of the sandbox"]),
    (checks_security.user_gets_what_is_added, A + "user = 'www'\ncap_add = ['KILL', 'BPF']\n", [
        ("services.a.cap_add: gives a user that is not root no KILL, BPF by itself "
        '(ambient = ["KILL", "BPF"] does)')]),
    (checks_own.own_namespaces, A + "namespaces = {net = 'nwe', pid = 7, ipc = 'sandbox:b'}\n", [
        ('services.a.namespaces.net: expected "new", "shared", "/path" or a pid, got \'nwe\' '
            '(did you mean "new"?)'),
        "services.a.namespaces.pid: a process can't move into another pid namespace (use \"new\")",
        ("services.a.namespaces.ipc: a service can't join a sandbox by its name "
            "(name a file or a pid)")]),
    (checks_own.own_namespaces, (A + "mounts = ['/a']\n"
        "namespaces = {mount = 'shared', pid = 'new'}\n"), [
        ("services.a.mounts: others are in that mount namespace, and would see it "
            '(use namespaces = {mount = "new"})'),
        'services.a.namespaces.pid: a new pid namespace needs its own /proc (use mount = "new")']),
    (checks_own.descriptors_to_pass, (A + "pass_fds = [2, 5, 5, 7]\nready.fd = 7\n"
        "fd_store_max = 1\n"), [
        "services.a.pass_fds[0]: expected a descriptor from 3 to 1023",
        "services.a.pass_fds[2]: 5 is there twice",
        ("services.a.pass_fds[3]: 7 is what readiness is told by (give one another number)"),
        ("services.a.pass_fds: the numbers from 3 on are those of its sockets "
            "(use one of them)")]),
    (checks_own.own_mounts, A + "mounts = [{target = 'x'}]\n", [
        "services.a.mounts[0].target: expected an absolute path, got 'x'",
        'services.a.mounts[0]: a bind needs a "source"']),
    (checks_own.probes_from_outside, A + "namespaces = {net = 'new'}\nready.tcp = 80\n", [
        ("services.a.ready: init can't ask in the network of this service "
            "(use exec, which runs in the service's namespaces)")]),
    (checks.something_to_run, "", [(": nothing to run (add a [services.NAME] table with a "
        "command)")]),
    (checks.service_names, "[services.'a b']\ncommand = 'x'\n", [('services."a b": a name has '
        "letters, digits, '_', '.' and '-', and begins with a letter or digit")]),
    (checks.service_names, f"[services.{'a' * 65}]\ncommand = 'x'\n", [
        f"services.{'a' * 65}: a name has at most 64 characters"]),
    (checks.known_references, A + "depends_on = ['b']\nwants = ['c']\nafter = ['a']\n"
        "before = ['aa']\n", [
        'services.a.depends_on: there is no service "b"',
        'services.a.wants: there is no service "c"',
        'services.a.after: "a" names itself',
        'services.a.before: there is no service "aa" (did you mean "a"?)']),
    (checks.no_cycle, A + "after = 'b'\n" + B + "wants = ['a']\n", [
        "services.a: these wait for each other: a -> b -> a"]),
    (checks.no_cycle, A + "before = 'b'\n" + B + "before = 'a'\n", [
        "services.a: these wait for each other: a -> b -> a"]),
    (checks.one_main, A + "main = true\n" + B + "main = true\n", [
        'services.b.main: "a" is main already (one service can be main)']),
    (checks.conditions_can_be_met, A + "depends_on = {b = 'completed'}\n" + B
        + "restart = 'always'\n", [
        'services.a.depends_on: "b" has restart = "always" and is never completed']),
    (checks.conditions_can_be_met, A + "depends_on = {b = 'exited'}\n" + B
        + "restart = 'always'\n", [
        'services.a.depends_on: "b" has restart = "always" and is never exited']),
    (checks_ready.ways_of_asking, A + "health = {interval = 5}\n" + B
        + "ready = {notify = true, exec = 'x'}\n", [
        'services.a.health: names no way to ask (such as exec = "…")',
        "services.b.ready: takes one of exec, notify, not several"]),
    (checks_ready.ways_of_asking, ONESHOT + "health = {exec = 'x', retries = 0}\n", [
        "services.b.health: a oneshot runs once and has no health",
        "services.b.health: retries and interval are above 0"]),
    (checks_ready.ways_of_asking, A + "type = 'notify'\nready = {tcp = 1}\n" + B
        + "ready = {fd = 3, log = 'x'}\n", [
        'services.a.ready: takes one of tcp, type = "notify", not several',
        "services.b.ready: takes one of fd, log, not several"]),
    (checks_ready.spans_of_probes, A + "health = {tcp = 1, timeout = 0}\n" + B
        + "ready = {tcp = 1, timeout = 0, interval = 0}\n", [
        "services.a.health.timeout: is above 0",
        "services.b.ready.timeout: is above 0",
        "services.b.ready.interval: is above 0"]),
    (checks_ready.addresses_of_probes, A + "health = {tcp = 'db:80'}\n" + B
        + "ready = {tcp = 0}\n", [
        "services.a.health.tcp: 'db' is no address: names are not looked up, except \"localhost\"",
        "services.b.ready.tcp: expected a port, or \"host:port\", got '0'"]),
    (checks_ready.addresses_of_probes, A + "health = {unix = 'x'}\n" + B
        + f"ready = {{unix = '/{'x' * 107}'}}\n", [
        ('services.a.health.unix: expected an absolute path, or "@name" for an abstract socket, '
            "got 'x'"),
        "services.b.ready.unix: a socket's path has at most 107 bytes"]),
    (checks_ready.addresses_of_probes, A + "health = {http = 'https://x'}\n" + B
        + "ready.http = {url = 'http://1.2.3.4/', headers = {'a b' = 'x', Connection = 'x', "
        + 'X = "a\\nb"}}\n', [
        ("services.a.health.http.url: https is not spoken: use exec with curl, or ask a port "
            "without TLS"),
        'services.b.ready.http.headers."a b": \'a b\' can\'t be the name of a header',
        "services.b.ready.http.headers.Connection: is set by nsinit",
        "services.b.ready.http.headers.X: a header is one line, without NUL"]),
    (checks_ready.files_of_probes, A + "ready = {file = 'x'}\n", [
        "services.a.ready.file: expected an absolute path, got 'x'"]),
    (checks_ready.ready_lines, A + "ready = {log = '('}\n" + B
        + "ready = {log = '(a+)+'}\nlog = 'null'\n", [
        ("services.a.ready.log: is no regular expression: missing ), unterminated subpattern at "
            "position 0"),
        "services.b.ready.log: has a repeat inside a repeat, which some lines would take for ever",
        ('services.b.ready.log: with log = "null" nsinit reads no lines (use exec, http, tcp, unix '
            "or file)")]),
    (checks_ready.ready_fds, A + "ready = {fd = 2}\n" + B + "ready = {fd = 1024}\n", [
        "services.a.ready.fd: expected a descriptor from 3 to 1023, got 2",
        "services.b.ready.fd: expected a descriptor from 3 to 1023, got 1024"]),
    (checks_ready.told_by_daemons, A + "type = 'forking'\nready = {fd = 3}\n", [
        'services.a.ready.fd: is not for type = "forking" (use exec, http, tcp, unix or file)']),
    (checks.daemons, A + "pid_file = '/p'\n" + B + "type = 'forking'\npid_file = 'p'\n", [
        'services.a.pid_file: is for type = "forking" only',
        "services.b.pid_file: expected an absolute path, got 'p'"]),
    (checks.ways_to_reload, A + "reload_command = 'x'\nreload_signal = 'HUP'\n", [
        "services.a.reload_signal: there is a reload_command already (use one of them)"]),
    (checks.ways_to_reload, A + "type = 'notify-reload'\nreload_command = 'x'\n", [
        ('services.a.reload_command: a service of type = "notify-reload" is reloaded by a signal '
            '(use type = "notify", or reload_signal)')]),
    (checks.numbers_of_replicas, A + "replicas = -1\n" + B + "replicas = 2\nmain = true\n", [
        "services.a.replicas: expected a number from 0 to 1000, got -1",
        "services.b.replicas: the main service is one process, and has no replicas"]),
    (triggers.schedules, A + "schedule = '0 25 * * *'\n" + B
        + "schedule = {every = 0, timezone = 'UTC', missed = 'skip'}\n", [
        ("services.a.schedule.cron: field 2 of '0 25 * * *', the hour, can't be '25' (0 to 23; as "
            "in 5, 1-5, 1,3 or */2)"),
        "services.b.schedule.every: is above 0",
        "services.b.schedule.timezone: has no meaning for an interval (use cron)"]),
    (triggers.schedules, A + "schedule = {jitter = 1}\n" + B
        + "schedule = {cron = '@hourly', timezone = 'Europe/Berlni'}\n", [
        ('services.a.schedule: takes either cron or every (such as {cron = "*/5 * * * *"})'),
        ("services.b.schedule.timezone: there is no time zone 'Europe/Berlni' (did you mean "
            '"Europe/Berlin"?)')]),
    (triggers.scheduled_services, A + "schedule = '@daily'\nrestart = 'always'\nmain = true\n", [
        ('services.a.restart: a service with a schedule runs again by that (use "no" or '
            '"on-failure")'),
        ("services.a.main: a service with a schedule is never done, so init can't end with "
            "it")]),
    (triggers.scheduled_services, ONESHOT + "schedule = '@daily'\n" + A + "depends_on = ['b']\n"
        + "[services.c]\ncommand = 'x'\ndepends_on = {b = 'exited'}\n", [
        'services.a.depends_on: "b" has a schedule and is never completed',
        'services.c.depends_on: "b" has a schedule and is never exited']),
    (triggers.watched, A + "watch = []\n" + B + "watch = {paths = 'x', action = 'reload', "
        + "cascade = true}\n", [
        "services.a.watch.paths: names no path",
        ("services.b.watch.action: there is no way to reload this service (add reload_signal = "
            '"HUP" or a reload_command)'),
        ("services.b.watch.cascade: a reload leaves dependents alone (use action = "
            '"restart")')]),
    (triggers.jitter_is_short, A + "schedule = {every = 5, jitter = 5}\n", [
        ("services.a.schedule.jitter: is not below the interval: some runs will be left "
            "out")]),
    (checks.ids_exist, A + "user = -1\ngroup = 4294967295\ngroups = [1, -2]\n"
        "[init.control]\nread = ['@-1', 0]\n", [
        "services.a.user: an id is from 0 to 4294967294",
        "services.a.group: an id is from 0 to 4294967294",
        "services.a.groups[1]: an id is from 0 to 4294967294",
        "init.control.read[0]: an id is from 0 to 4294967294"]),
    (checks.log_owners_exist, A + "log = {file = '/x', owner = 'www:-1', stderr = "
        "{file = '/y', owner = -1}}\n", [
        "services.a.log.owner: an id is from 0 to 4294967294",
        "services.a.log.stderr.owner: an id is from 0 to 4294967294"]),
    (checks.shell_commands, "[services.a]\ncommand = ['x']\nshell = true\n", [
        "services.a.command: shell = true takes the command as one string"]),
    (checks.limit_names, A + "limits = {nofiles = 1, xyz = 1}\n", [
        'services.a.limits.nofiles: unknown limit (did you mean "nofile"?)',
        f"services.a.limits.xyz: unknown limit ({', '.join(checks.RLIMITS)})"]),
    (checks.terminal_paths, A + "tty = 'tty1'\n", [
        """services.a.tty: expected true or a path such as "/dev/tty1", got 'tty1'"""]),
    (checks.terminal_paths, A + "tty = true\nlog = 'inherit'\n", [
        'services.a.log: with tty = true nsinit reads the terminal (use "console")']),
    (checks.terminal_output, A + "tty = '/dev/tty1'\nlog = {ring = '1MiB'}\n", [
        "services.a.log: has no effect: the output goes to the tty"]),
    (checks.terminal_output, A + "tty = true\nlog = {file = '/l', stderr = {to = 'null'}}\n", [
        "services.a.log.stderr: has no effect: what a terminal shows is one stream"]),
    (checks.resets_take_time, A + "restart_reset = '50ms'\n", [
        "services.a.restart_reset: expected at least 0.1 s, got 0.05 s"]),
    (checks.oneshot_restarts, ONESHOT + "restart = 'always'\n", [
        'services.b.restart: a oneshot runs until it succeeds (use "no" or "on-failure")']),
    (checks.oneshot_restarts, ONESHOT + "restart = 'on-success'\n", [
        'services.b.restart: a oneshot runs until it succeeds (use "no" or "on-failure")']),
    (checks.control_path, "[init]\ncontrol = 'x.sock'\n", [
        "init.control.path: expected an absolute path, got 'x.sock'"]),
    (checks.control_path, f"[init]\ncontrol = '/{'é' * 54}'\n", [
        "init.control.path: a socket's path has at most 107 bytes"]),
    (checks_sandbox.names_fit, ("[sandbox]\nname = '..'\nhostname = ''\n"
        f"domainname = '{'é' * 33}'\n"), [
        ("sandbox.name: a name has letters, digits, '_', '.' and '-', and begins with a letter or "
            "digit"),
        "sandbox.hostname: a hostname has 1 to 64 bytes",
        "sandbox.domainname: a domainname has 1 to 64 bytes"]),
    (checks_sandbox.host_is_left_alone,
        "[sandbox]\nhostname = 'h'\nnamespaces = {uts = 'shared'}\n", [
        ("sandbox.hostname: with a shared uts namespace the host's hostname changes (use uts = "
            '"new")')]),
    (checks_sandbox.host_is_left_alone,
        "[sandbox]\ndomainname = 'h'\nnamespaces = {uts = 'shared'}\n", [
        ("sandbox.domainname: with a shared uts namespace the host's domainname changes (use uts = "
            '"new")')]),
    (checks_sandbox.host_is_left_alone,
        "[sandbox]\nhostname = 'h'\nnamespaces = {uts = 'sandbox:web'}\n", [
        ("sandbox.hostname: with a joined uts namespace the other sandbox's hostname changes (use "
            'uts = "new")')]),
    (checks_sandbox.host_is_left_alone, "[sandbox]\nnamespaces = {mount = 7}\n", [
        'sandbox.namespaces: a new pid namespace needs its own /proc (use mount = "new")']),
    (checks_sandbox.host_is_left_alone, "[sandbox]\nnamespaces = {mount = 'shared', pid = 7}\n", [
        ('sandbox.namespaces: a joined pid namespace needs its own /proc (use mount = "new", or '
            "join the mount namespace too)")]),
    (checks_sandbox.host_is_left_alone, "[sandbox]\nnamespaces = {user = 'new', pid = 7}\n", [
        ("sandbox.namespaces: the /proc of a joined pid namespace can't be mounted in a new user "
            "namespace (join the user namespace that it belongs to)")]),
    (checks_sandbox.namespaces_are_known, ("[sandbox.namespaces]\npid = 'nwe'\nnet = 0\n"
        "uts = 'a/b'\nipc = 'sandbox:'\ntime = 'sandbox:a/b'\n"), [
        "sandbox.namespaces.pid: " + KNOWN + ", got 'nwe' (did you mean \"new\"?)",
        "sandbox.namespaces.net: " + KNOWN + ", got 0",
        "sandbox.namespaces.uts: " + KNOWN + ", got 'a/b'",
        "sandbox.namespaces.ipc: " + KNOWN + ", got 'sandbox:'",
        "sandbox.namespaces.time: " + KNOWN + ", got 'sandbox:a/b'"]),
    (checks_sandbox.clocks_can_be_set, ("[sandbox]\nnamespaces = {time = 'shared'}\n"
        "time_offsets = {monotonic = nan, boottime = -5e9}\n"), [
        ("sandbox.time_offsets: only the clocks of a new time namespace can be set (use time = "
            '"new")'),
        "sandbox.time_offsets.monotonic: an offset has at most 4600000000 seconds",
        "sandbox.time_offsets.boottime: an offset has at most 4600000000 seconds"]),
    (checks_sandbox.host_is_left_alone, "[sandbox]\nnamespaces = {mount = 'shared'}\n", [
        'sandbox.namespaces: a new pid namespace needs its own /proc (use mount = "new")']),
    (checks_sandbox.host_is_left_alone, ("[sandbox.namespaces]\npid = 'shared'\nmount = 'shared'\n"
        "uts = 'shared'\nipc = 'shared'\nuser = 'shared'\n"), [
        "sandbox.namespaces: every namespace is shared (leave [sandbox] out)"]),
    (checks_users.maps_are_sound, ("[sandbox.users]\ngid_map = []\nuid_map = ['0 1000 1', "
        "[0, 5, 1], '7 1000 1', [1, 1, 0], '2 4294967294 2', [-1, 8, 1]]\n"), [
        "sandbox.users.uid_map[3]: a row has at least one id, not 0 (inside, outside, size)",
        ("sandbox.users.uid_map[4]: the ids outside end at 4294967294 (from 4294967294 there are "
            "1 left)"),
        "sandbox.users.uid_map[5]: an id is not negative",
        ("sandbox.users.uid_map[1]: shares ids inside with the row '0 1000 1' (each id is mapped "
            "once)"),
        ("sandbox.users.uid_map[2]: shares ids outside with the row '0 1000 1' (each id is mapped "
            "once)")]),
    (checks_users.maps_are_sound, ("[sandbox.users]\nuid_map = []\n"
        f"gid_map = {[[n, n, 1] for n in range(341)]}\n"), [
        "sandbox.users.gid_map: has 341 rows, the kernel takes 340 (join neighbouring rows)"]),
    (checks_users.maps_are_sound, ("[sandbox.users]\nuid_map = []\n"
        f"gid_map = {[[n + 10**8, n, 1] for n in range(300)]}\n"), [
        ("sandbox.users.gid_map: is 4689 bytes long, the kernel takes 4095 (join neighbouring "
            "rows)")]),
    (checks_users.users_need_their_namespace,
        "[sandbox]\nusers = 'keep'\nnamespaces = {user = 'shared'}\n", [
        ('sandbox.users: has no effect on a user namespace that is not new (use user = "new")')]),
    (checks_users.ways_of_mapping, ("[sandbox.users]\nmap = 'root'\nuid_map = '0 1 1'\n"
        "gid_map = '0 1 1'\nsubordinate = ''\n"), [
        'sandbox.users.map: and "uid_map" are both given (leave one of them out)',
        'sandbox.users.subordinate: says whose ranges are taken (add map = "auto")',
        "sandbox.users.subordinate: expected the name or number of a user"]),
    (checks_users.ways_of_mapping, "[sandbox.users]\nmap = 'none'\nsetgroups = 'allow'\n", [
        "sandbox.users.setgroups: without a gid_map the kernel allows it to nobody"]),
    (checks_users.maps_are_complete, "[sandbox.users]\nuid_map = '0 1 1'\n", [
        ("sandbox.users.uid_map: without a gid_map every gid inside is 65534 (gid_map = [] if that "
            "is meant)")]),
    (checks_users.maps_are_complete, "[sandbox.users]\ngid_map = '0 1 1'\n", [
        ("sandbox.users.gid_map: without a uid_map every uid inside is 65534 (uid_map = [] if that "
            "is meant)")]),
    (checks_ready.readiness_on_time, A + "start_timeout = 5\n", [
        ("services.a.start_timeout: has no effect without a declared readiness (add ready = "
            "{notify = true})")]),
    (checks.budget_is_enough, A + "stop_timeout = '10s'\n", [
        ("services.a.stop_timeout: a shutdown gives all services 9 s (raise "
            "init.shutdown_timeout)")]),
    (checks.socket_owners, A + "sockets = [{listen = '/run/x', user = -1}]\n", [
        "services.a.sockets[0].user: an id is from 0 to 4294967294"]),
    (listening.addresses_are_apart, A + "sockets = 'tcp:80'\n" + B + "sockets = 'tcp:80'\n", [
        "services.b.sockets[0].listen: tcp:80 is taken by another socket: tcp:80"]),
    (listening.socket_keys_fit, A + "sockets = [{listen = 'tcp:80', mode = '0600'}]\n", [
        "services.a.sockets[0].mode: is for a socket in the file system, not for tcp:80"]),
    (listening.socket_values, A + "sockets = [{listen = 'tcp:80', name = ''}]\n", [
        "services.a.sockets[0].name: a name has 1 to 255 characters"]),
    (listening.accepting_services, A + "type = 'oneshot'\nsockets = [{listen = 'tcp:80', "
        "accept = true}]\n", [
        "services.a.type: with accept = true there is no main process for this"]),
    (listening.accepting_services, A + "tty = true\nsockets = [{listen = 'tcp:80', "
        "accept = true}]\n", [
        "services.a.tty: with accept = true there is no main process for this"]),
    (listening.lazy_dependencies, A + "sockets = [{listen = 'tcp:80', lazy = true}]\n" + B +
        "depends_on = 'a'\n", [
        ('services.b.depends_on: "a" starts only when somebody connects to it (its sockets are '
        "there from the beginning: use after)")]),
]  # fmt: skip


@pytest.mark.parametrize(("check", "text", "findings"), WRONG)
def test_check_tells_when_its_own_trouble_is_there(
    check: Check, text: str, findings: list[str]
) -> None:
    """At the key that has to change."""
    assert found(check, text) == findings


@pytest.mark.parametrize(("check", "text", "findings"), WRONG)
def test_other_checks_are_silent_when_the_trouble_is_not_theirs(
    check: Check, text: str, findings: list[str]
) -> None:
    """One trouble is told once; a configuration without services has none of the others."""
    others = [c for c in (*checks.checks("STRICT"), *checks.checks("ADVICE")) if c is not check]
    if "services" not in text:
        others = [c for c in others if c is not checks.something_to_run]
    assert {c.__name__: found(c, text) for c in others} == {c.__name__: [] for c in others}


RIGHT: list[tuple[Check, str]] = [
    (checks_security.added_or_dropped, A + "cap_drop = 'ALL'\ncap_add = 'KILL'\n"),
    (checks_security.ambient_is_within, A + "ambient = ['SYS_ADMIN']\n"),
    (checks_security.ambient_is_within, "[sandbox]\nambient = 'KILL'\n" + A + "ambient = 'ALL'\n"),
    (checks_security.directories_are_inside, A + "working_dir = '/proc/self/fd/3'\n"),
    (checks_security.directories_are_inside, "[sandbox]\n" + A + B + "working_dir = '/proc'\n"),
    (checks_security.user_gets_what_is_added, A + "user = 'root:www'\ncap_add = ['KILL']\n"),
    (checks_security.user_gets_what_is_added, A + "user = 7\ncap_add = 'KILL'\nambient = 'ALL'\n"),
    (
        checks_security.user_gets_what_is_added,
        "[sandbox]\nambient = 'KILL'\n" + A + "user = 7\ncap_add = 'KILL'\n",
    ),
    (
        checks.service_names,
        f"[services.'0_.-']\ncommand = 'x'\n[services.{'a' * 64}]\ncommand='x'\n",
    ),
    (checks.known_references, A + "depends_on = ['b']\nwants = 'b'\n" + B + "after = 'a'\n"),
    (checks.no_cycle, A + "depends_on = ['b']\nwants = 'b'\nafter = 'b'\n" + B + "before = 'a'\n"),
    (checks.no_cycle, A + "after = ['a', 'nobody']\n"),
    (checks.one_main, A + "main = true\n" + B + "main = false\n"),
    (checks.conditions_can_be_met, A + "depends_on = {b = 'ready'}\n" + B + "restart = 'always'"),
    (checks.conditions_can_be_met, A + "depends_on = {b = 'exited', c = 'completed'}\n" + B),
    (checks.shell_commands, A + "shell = true\n"),
    (checks.shell_commands, "[services.a]\ncommand = ['/bin/sh', '-c', 'x']\nshell = true\n"),
    (triggers.schedules, A + "schedule = {every = '1ms', overlap = 'kill', jitter = '1s'}\n"),
    (triggers.schedules, A + "schedule = {cron = '@daily', timezone = 'Asia/Tokyo'}\n"),
    (triggers.scheduled_services, A + "schedule = '@daily'\nrestart = 'on-failure'\n"),
    (triggers.scheduled_services, B + "schedule = '@daily'\n" + A + "depends_on = ['b', 'nobody']"),
    (triggers.watched, A + "watch = '.'\n" + B + "watch = {paths = ['x'], cascade = true}\n"),
    (triggers.watched, A + "watch = {paths = 'x', action = 'reload'}\nreload_signal = 'HUP'\n"),
    (triggers.watched, A + "watch = {paths = 'x', action = 'reload'}\ntype = 'notify-reload'\n"),
    (triggers.jitter_is_short, A + "schedule = {every = 5, jitter = 4}\n"),
    (checks.limit_names, A + "limits = {nofile = 1, core = 'unlimited'}\n"),
    (checks.terminal_paths, A + "tty = '/dev/tty1'\n"),
    (checks.terminal_paths, A + "tty = true\nlog = '/var/log/a.log'\n"),
    (checks.terminal_paths, A + "tty = false\nlog = 'inherit'\n"),
    (checks.terminal_output, A + "tty = '/dev/tty1'\n"),
    (checks.terminal_output, A + "tty = true\nlog = {ring = '1MiB'}\n"),
    (checks.terminal_output, A + "log = 'null'\n"),
    (checks.oneshot_restarts, ONESHOT + "restart = 'on-failure'\n"),
    (checks.resets_take_time, A + "restart_reset = '100ms'\n"),
    (checks.oneshot_restarts, ONESHOT + "restart = 'no'\n" + A + "restart = 'always'\n"),
    (checks.control_path, f"[init]\ncontrol = '/{'a' * 106}'\n"),
    (checks.control_path, "[init]\ncontrol = {mode = '0660'}\n"),
    (checks_sandbox.names_fit, f"[sandbox]\nname = 'a.b'\nhostname = '{'h' * 64}'\n"),
    (checks_sandbox.names_fit, "[sandbox]\n"),
    (checks_sandbox.host_is_left_alone, "[sandbox]\nhostname = 'h'\nnamespaces = {uts = 'new'}\n"),
    (checks_sandbox.host_is_left_alone, "[sandbox.namespaces]\npid = 'shared'\nmount = 'shared'\n"),
    (checks_sandbox.host_is_left_alone, "[sandbox.namespaces]\npid = 7\nmount = 7\nuser = 7\n"),
    (
        checks_sandbox.namespaces_are_known,
        (
            "[sandbox.namespaces]\npid = 7\nmount = '/x'\nuts = '12'\n"
            "net = 'sandbox:a.b'\nuser = 'new'\ntime = 'shared'\n"
        ),
    ),
    (checks_sandbox.clocks_can_be_set, "[sandbox]\n"),
    (
        checks_sandbox.clocks_can_be_set,
        "[sandbox]\ntime_offsets = {monotonic = -1, boottime = 1.5}\n",
    ),
    (checks_users.maps_are_sound, "[sandbox.users]\nuid_map = '0 0 4294967295'\n"),
    (
        checks_users.maps_are_sound,
        f"[sandbox.users]\nuid_map = {[[n, n, 1] for n in range(340)]}\n",
    ),
    (checks_users.maps_are_sound, "[sandbox.users]\nuid_map = ['5 0 1', '0 1 5', '6 9 1']\n"),
    (checks_users.users_need_their_namespace, "[sandbox]\nusers = 'auto'\n"),
    (checks_users.ways_of_mapping, "[sandbox.users]\nmap = 'auto'\nsubordinate = 'web'\n"),
    (checks_users.ways_of_mapping, "[sandbox.users]\nuid_map = []\nsetgroups = 'allow'\n"),
    (checks_users.maps_are_complete, "[sandbox.users]\nuid_map = '0 1 1'\ngid_map = []\n"),
    (checks_ready.ways_of_asking, A + "ready.http = 'http://[::1]:8080'\nhealth.tcp = 80\n"),
    (checks_ready.addresses_of_probes, A + f"ready.unix = '/{'x' * 106}'\nhealth.unix = '@x'\n"),
    (checks_ready.addresses_of_probes, A + "ready.tcp = 65535\nhealth.tcp = '[::1]:1'\n"),
    (checks_ready.ready_lines, A + r"ready.log = '^ready in \d+ (ms|s)\b'" + "\n"),
    (checks_ready.ready_fds, A + "ready = {fd = 3}\n" + B + "ready = {fd = 1023}\n"),
    (checks_ready.readiness_on_time, A + "start_timeout = 5\nready = {log = 'x'}\n"),
    (checks_ready.readiness_on_time, A + "start_timeout = 5\nready = {notify = true}\n"),
    (checks_ready.readiness_on_time, A + "start_timeout = 5\ntype = 'notify'\n"),
    (checks_ready.readiness_on_time, ONESHOT + "start_timeout = 5\n"),
    (checks.budget_is_enough, A + "stop_timeout = 9\n"),
    (checks.budget_is_enough, "[init]\nshutdown_timeout = 60\n" + A + "stop_timeout = 60\n"),
]


@pytest.mark.parametrize(("check", "text"), RIGHT)
def test_check_is_silent_when_all_is_right(check: Check, text: str) -> None:
    """Up to the very limits."""
    assert found(check, text) == []


def test_check_would_have_found_nothing_when_it_is_left_out() -> None:
    """Its module is not even loaded for a configuration in which it has nothing to look at."""
    kinds: tuple[Literal["STRICT", "ADVICE"], ...] = ("STRICT", "ADVICE")
    for _, text in (*((check, text) for check, text, _ in WRONG), *RIGHT):
        made = config(text)
        for kind in kinds:
            for check in {*checks.checks(kind)} - {*checks.checks(kind, made)}:
                assert not list(check(made)), (check, text)


def test_every_check_is_covered_when_listed() -> None:
    """A new check needs its cases here; some of the larger tables have files of their own."""
    elsewhere = {*logs.STRICT, *checks_root.STRICT, intakes_have_places}
    elsewhere |= {*checks_publish.STRICT, *remote.STRICT, *remote.ADVICE}
    elsewhere |= {*checks_network.STRICT, *checks_network.ADVICE}
    elsewhere |= {*checks_confinement.STRICT, *checks_confinement.ADVICE}
    assert {check for check, _, _ in WRONG} == {
        *checks.checks("STRICT"),
        *checks.checks("ADVICE"),
    } - elsewhere


def test_strict_findings_are_errors_and_advice_is_a_warning_when_all_checks_run() -> None:
    """All of both, at once."""
    text = A + "start_timeout = 5\nafter = ['a']\nlimits = {x = 1}\nstop_timeout = 60\n"
    report = Report([Source("n.toml", text, tomllib.loads(text))])
    checks.run_checks(config(text), report)
    assert [p.line for p in report.problems] == [4, 5]
    assert [p.line for p in report.warnings] == [3, 6]


def test_condition_is_named_when_it_is_the_default_of_a_oneshot() -> None:
    """A oneshot that is needed without more is to be completed."""
    text = A + "depends_on = ['b']\n" + ONESHOT + "restart = 'always'\n"
    assert found(checks.conditions_can_be_met, text) == [
        'services.a.depends_on: "b" has restart = "always" and is never completed'
    ]


def test_all_cycles_are_told_when_there_are_several() -> None:
    """As everything that is wrong is told at once."""
    names = {"a": "b", "b": "a", "c": "d", "d": "c"}
    text = "".join(f"[services.{n}]\ncommand='x'\nafter='{o}'\n" for n, o in names.items())
    assert len(found(checks.no_cycle, text)) == 2
