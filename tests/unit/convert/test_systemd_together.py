"""Units that belong together: sockets, timers, paths, targets, and the order of services."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.convert.kinds import Wishes, convert
from nsinit.convert.proof import prove, settle
from nsinit.convert.systemd.calendar import to_cron

if TYPE_CHECKING:
    import pathlib

BOOT = "[Install]\nWantedBy=multi-user.target\n"


def read(home: pathlib.Path, units: dict[str, str]) -> tuple[dict[str, Any], dict[str, str], str]:
    """The services of some units, the reason for each key without an equal, and the text."""
    for name, text in units.items():
        (home / name).parent.mkdir(exist_ok=True)
        if text.startswith("->"):
            (home / name).symlink_to(text[2:])
            continue
        section = "" if text.startswith("[") or not name.endswith(".service") else "[Service]\n"
        (home / name).write_text(section + text)
    document = convert([str(home)], Wishes({}), "systemd")
    text = settle(document, "nsinit.toml", {})
    prove(text, "nsinit.toml", {})
    told = {finding.key: finding.reason for finding in document.findings}
    return tomllib.loads(text)["services"], told, text


def test_a_socket_is_a_key_of_its_service(tmp_path: pathlib.Path) -> None:
    """Lazy unless the service starts by itself; with its name, mode and owner where they fit."""
    socket = (
        "[Socket]\nListenStream=/run/app.sock\nListenStream=8080\nListenStream=[::1]:81\n"
        "ListenDatagram=@x\nListenStream=vsock:2:3\nSocketMode=660\nSocketGroup=www\nBacklog=9\n"
        "BindIPv6Only=ipv6-only\nFileDescriptorName=web\nNoDelay=yes\nKeepAlive=no\n"
        "[Install]\nWantedBy=sockets.target\n"
    )
    units = {"app.service": "ExecStart=/bin/app\n", "app.socket": socket}
    services, told, _ = read(tmp_path, units)
    assert services["app"]["sockets"] == [
        {
            "listen": "unix:/run/app.sock",
            "mode": "0660",
            "group": "www",
            "backlog": 9,
            "name": "web",
            "lazy": True,
        },
        {"listen": "tcp:8080", "backlog": 9, "name": "web", "lazy": True},
        {
            "listen": "tcp:[::1]:81",
            "backlog": 9,
            "name": "web",
            "lazy": True,
            "ipv6_only": True,
        },
        {"listen": "unix-dgram:@x", "name": "web", "lazy": True},
    ]
    assert "autostart" not in services["app"]
    assert set(told) == {"ListenStream", "NoDelay"}
    units["app.service"] += BOOT
    assert "lazy" not in str(read(tmp_path, units)[0])


def test_a_template_serves_connections_when_its_socket_accepts(tmp_path: pathlib.Path) -> None:
    """A process for each of at most 64, with the connection as its input."""
    units = {
        "echo@.service": "ExecStart=-/bin/cat\nStandardInput=socket\nType=notify\n",
        "echo.socket": "[Socket]\nListenStream=7\nAccept=yes\n[Install]\nWantedBy=sockets.target\n",
    }
    services, told, _ = read(tmp_path, units)
    assert services["echo"]["sockets"] == [
        {"listen": "tcp:7", "name": "connection", "max_connections": 64, "accept": True}
    ]
    assert "type" not in services["echo"]
    assert told == {"echo@.service": told["echo@.service"]}  # by itself it has no instance


def test_a_timer_is_a_schedule_of_its_service(tmp_path: pathlib.Path) -> None:
    """A calendar, or an interval; what a cron line can't say is told."""
    job = "Type=oneshot\nExecStart=/bin/job\n"
    timer = "[Timer]\nOnCalendar=Mon..Fri *-*-* 03:30:00 Europe/Berlin\nRandomizedDelaySec=1h\n"
    end = "[Install]\nWantedBy=timers.target\n"
    units = {
        "a.service": job,
        "a.timer": f"{timer}Persistent=true\n{end}",
        "b.service": job,
        "c.timer": f"[Timer]\nUnit=b.service\nOnBootSec=1min\nOnUnitActiveSec=2h\n{end}",
        "d.service": job,
        "d.timer": f"[Timer]\nOnCalendar=Mon *-*-3\n{end}",
        "e.service": "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=/e\n"
        + BOOT,
    }
    services, told, text = read(tmp_path, units)
    assert services["a"]["schedule"] == {
        "cron": "30 3 * * 1-5",
        "timezone": "Europe/Berlin",
        "jitter": "1h",
    }
    assert services["b"]["schedule"] == {"every": "2h"}
    assert told["OnBootSec"].startswith("the first run is 2h")
    assert told["OnCalendar"] == "a cron line takes either the day of the month or that of the week"
    assert "schedule" not in services["d"]
    assert "depends_on" not in services["e"]
    assert "a runs by its schedule" in text


def test_a_path_starts_a_oneshot_when_it_changes(tmp_path: pathlib.Path) -> None:
    """Nothing else can be started by files; and what has to be told of it is."""
    path = "[Path]\nPathChanged=/srv/in\n[Install]\nWantedBy=multi-user.target\n"
    units = {
        "a.service": "Type=oneshot\nExecStart=/a\n",
        "a.path": path,
        "b.service": "ExecStart=/b\n",
        "b.path": path.replace("PathChanged", "PathExists"),
    }
    services, told, _ = read(tmp_path, units)
    assert services["a"]["watch"] == {"paths": ["/srv/in"]}
    assert told["PathExists"] == "nothing is started by a file that is there"
    assert told["PathChanged"] == "it runs once when nsinit starts, too"


def test_services_wait_for_each_other_when_units_do(tmp_path: pathlib.Path) -> None:
    """Requirements with and without an order, aliases, what is wanted by links and by targets."""
    units = {
        "db.service": f"Type=notify\nExecStart=/db\n[Install]\nAlias=sql.service\n{BOOT}",
        "init.service": "Type=oneshot\nExecStart=/init\n",
        "web.service": (
            "[Unit]\nRequires=sql.service init.service\n"
            "After=init.service network.target x.service\n"
            "Wants=log.service gone.service\nOnFailure=tell.service\nPartOf=db.service\n"
            f"[Service]\nExecStart=/web\nUser=www\n{BOOT}"
        ),
        "log.service": "[Unit]\nBefore=web.service\n[Service]\nExecStart=/log\n",
        "tell.service": "Type=oneshot\nExecStart=/tell\n",
        "extra.service": "ExecStart=/extra\n",
        "db.service.wants/extra.service": "->../extra.service",
        "box.target": "[Unit]\nWants=tell.service\n",
    }
    services, told, text = read(tmp_path, units)
    web = services["web"]
    assert web["depends_on"] == {"db": "started", "init": "completed"}
    assert (web["wants"], services["log"]["before"]) == (["log"], ["web"])
    assert web["on_fail"] == {"command": ["nsinit", "ctl", "start", "tell"], "user": 0}
    assert services["db"]["wants"] == ["extra"]
    assert services["tell"]["tags"] == ["box"]
    off = [name for name, table in services.items() if table.get("autostart") is False]
    assert off == ["extra", "init", "log", "tell"]
    assert set(told) == {"PartOf"}
    for remark in ("After=network.target: is reached", "After=x.service: is not converted"):
        assert remark in text


def test_who_comes_after_a_target_comes_after_its_parts(tmp_path: pathlib.Path) -> None:
    """And after what comes before it; what is before it waits for none of its parts."""
    units = {
        "ready.target": "[Unit]\nDescription=x\n",
        "a.service": "ExecStart=/a\n[Install]\nWantedBy=ready.target\n",
        "b.service": "[Unit]\nBefore=ready.target\n[Service]\nExecStart=/b\n",
        "c.service": f"[Unit]\nAfter=ready.target\n[Service]\nExecStart=/c\n{BOOT}",
    }
    services, told, _ = read(tmp_path, units)
    assert services["c"]["after"] == ["a", "b"]
    assert "before" not in services["b"]
    assert not told


def test_a_cycle_is_broken_when_units_have_one(tmp_path: pathlib.Path) -> None:
    """The order goes first, then what is wanted, which then starts by itself."""
    units = {
        "a.service": f"[Unit]\nWants=b.service\nBefore=b.service\n[Service]\nExecStart=/a\n{BOOT}",
        "b.service": "ExecStart=/b\n",
    }
    services, told, _ = read(tmp_path, units)
    assert told["before"].startswith("a cycle: ")
    assert services["a"]["wants"] == ["b"]


def test_what_nsinit_refuses_is_left_out_when_systemd_takes_it(tmp_path: pathlib.Path) -> None:
    """Too little memory, two log files in one, two sockets at one address."""
    units = {
        "a.service": f"ExecStart=/a\nMemoryMax=64K\nStandardOutput=append:/x\n{BOOT}",
        "b.service": f"ExecStart=/b\nStandardOutput=append:/x\n{BOOT}",
        "a.socket": "[Socket]\nListenStream=80\n",
        "b.socket": "[Socket]\nListenStream=0.0.0.0:80\n",
    }
    services, told, _ = read(tmp_path, units)
    assert told["resources"] == "nsinit: expected at least 1 MiB, got 65536 bytes"
    assert "log" not in services["b"]
    assert told["log"] == "a writes to it already"
    assert told["sockets"] == "a listens there already"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ("daily", "0 0 * * *"),
        ("*-*-* *:0/15", "*/15 * * * *"),
        ("Sat,Thu,Mon..Wed,Sat..Sun", "0 0 * * 0-4,6"),
        ("Wed, 17:48", "48 17 * * 3"),
        ("*-1/3-1 6,18:00:30", "30 0 6,18 1 */3 *"),
        ("Mon *-*-1..7 3:00", "0 3 * * 1#1"),
        ("Sun *-*~7/1", "0 0 * * 0L"),
        ("*-*~1", "0 0 L * *"),
        ("10-15..17", "0 0 15-17 10 *"),
        ("Fri..Sun 1:0", "0 1 * * 0,5,6"),
    ],
)
def test_calendars_are_cron_lines_when_these_can_say_the_same(event: str, line: str) -> None:
    """Each as systemd.time(7) explains it."""
    assert to_cron(event).cron == line


@pytest.mark.parametrize(
    "event",
    ["", "2003-03-05", "Mon *-*-3", "*-*~3", "*:*/15", "25:00", "Fry", "1:2:3.5", "0:0 1:1", "*"],
)  # fmt: skip
def test_calendars_are_refused_when_cron_has_no_such_line(event: str) -> None:
    """A year, both kinds of days, counting from the end, and what is no calendar."""
    with pytest.raises(ValueError, match=r"."):
        to_cron(event)
