"""What is found about the sockets of services, and what is not."""

from __future__ import annotations

import pytest

from nsinit.errors import ConfigError
from nsinit.model.listening import bad_fd_name
from nsinit.model.load import load, parse_source


def _problems(*sockets: str, more: str = "") -> list[str]:
    tables = "".join(
        f"[services.s{index}]\ncommand = 'x'\nsockets = [{text}]\n"
        for index, text in enumerate(sockets)
    )
    try:
        loaded = load([parse_source("n", tables + more)], {})
    except ConfigError as error:
        return [f"{p.path}: {p.message}" for p in error.problems]
    return [f"{p.path}: {p.message}" for p in loaded.warnings]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'tcp:80'", "'tcp:80'"),
        ("'tcp:80'", "'tcp:127.0.0.1:80'"),
        ("'tcp:[::1]:80'", "'tcp:80'"),
        ("'tcp:[::]:80'", "'tcp:127.0.0.1:80'"),
        ("'tcp:0.0.0.0:80'", "'tcp:[::]:80'"),
        ("'udp:0.0.0.0:80'", "'udp:127.0.0.1:80'"),
        ("'/run/x'", "'unix:/run//x'"),
        ("'/run/x'", "'unix-dgram:/run/x'"),
        ("'@x'", "'unix:@x'"),
        ("{listen = 'tcp:80', reuse_port = true}", "'tcp:80'"),
        ("{listen = 'tcp:[::]:80', ipv6_only = true}", "'tcp:[::1]:80'"),
    ],
)
def test_socket_is_refused_when_another_has_its_address(one: str, other: str) -> None:
    """Whichever comes first, and also when one is a wildcard that takes the other in."""
    for pair in ((one, other), (other, one)):
        (problem,) = _problems(*pair)
        assert problem.startswith("services.s1.sockets[0].listen: ")
        assert "is taken by another socket" in problem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("'tcp:80'", "'udp:80'"),
        ("'tcp:80'", "'tcp:81'"),
        ("'tcp:127.0.0.1:80'", "'tcp:127.0.0.2:80'"),
        ("'tcp:127.0.0.1:80'", "'tcp:[::1]:80'"),
        ("'tcp:0.0.0.0:80'", "{listen = 'tcp:[::]:80', ipv6_only = true}"),
        ("{listen = 'tcp:80', reuse_port = true}", "{listen = 'tcp:80', reuse_port = true}"),
        ("'/run/x'", "'@/run/x'"),
    ],
)
def test_sockets_are_right_when_both_can_be_had(one: str, other: str) -> None:
    """What the kernel grants to two, or what two share on purpose."""
    assert _problems(one, other) == []


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("listen = 'tcp:80', mode = '0600'", "mode"),
        ("listen = '@x', user = 'www'", "user"),
        ("listen = 'udp:80', group = 0", "group"),
        ("listen = '/run/x', reuse_port = true", "reuse_port"),
        ("listen = 'tcp:80', ipv6_only = true", "ipv6_only"),
        ("listen = 'tcp:127.0.0.1:80', ipv6_only = true", "ipv6_only"),
        ("listen = 'udp:80', backlog = 5", "backlog"),
        ("listen = 'tcp:80', backlog = 0", "backlog"),
        ("listen = 'tcp:80', name = 'a:b'", "name"),
        ("listen = '/run/x', user = -1", "user"),
    ],
)
def test_key_is_refused_when_it_means_nothing_there(table: str, key: str) -> None:
    """It would be ignored, and nobody would know."""
    (problem,) = _problems(f"{{{table}}}")
    assert problem.startswith(f"services.s0.sockets[0].{key}: ")


def test_dependency_is_warned_of_when_it_is_lazy() -> None:
    """It would wait for a connection that nobody makes."""
    more = "[services.b]\ncommand = 'x'\ndepends_on = 's0'\nafter = 's0'\n"
    (problem,) = _problems("{listen = 'tcp:80', lazy = true}", more=more)
    assert problem.startswith("services.b.depends_on: ")
    assert _problems("'tcp:80'", more=more) == []


@pytest.mark.parametrize("count", [-1, 4097])
def test_fd_store_is_refused_when_it_is_out_of_bounds(count: int) -> None:
    """0 is none."""
    (problem,) = _problems(more=f"[services.a]\ncommand='x'\nfd_store_max = {count}\n")
    assert problem == "services.a.fd_store_max: expected a number from 0 to 4096"


@pytest.mark.parametrize("name", ["", "a:b", "a\n", "ä", "x" * 256])
def test_fd_name_is_refused_when_it_could_not_be_told(name: str) -> None:
    """LISTEN_FDNAMES is a list with colons between."""
    assert bad_fd_name(name)
    assert not bad_fd_name("x" * 255)


def test_plan_waits_for_the_socket_when_one_is_lazy() -> None:
    """One that is lazy is enough."""
    text = "[services.a]\ncommand='x'\nsockets=['tcp:80', {listen='tcp:81', lazy=true}]\n"
    assert load([parse_source("n", text)], {}).plan.services["a"].trigger == "socket"
    plain = text.replace("lazy=true", "lazy=false")
    assert load([parse_source("n", plain)], {}).plan.services["a"].trigger == ""


@pytest.mark.parametrize(
    ("sockets", "more", "key"),
    [
        ("{listen = 'udp:80', accept = true}", "", "sockets[0].accept"),
        ("{listen = 'tcp:80', accept = true, lazy = true}", "", "sockets[0].lazy"),
        ("{listen = 'tcp:80', max_connections = 5}", "", "sockets[0].max_connections"),
        (
            "{listen = 'tcp:80', accept = true, max_connections = 0}",
            "",
            "sockets[0].max_connections",
        ),
        ("{listen = 'tcp:80', accept = true}, 'tcp:81'", "", "sockets"),
        ("{listen = 'tcp:80', accept = true}", "type = 'notify'", "type"),
        ("{listen = 'tcp:80', accept = true}", "ready = {notify = true}", "ready"),
        ("{listen = 'tcp:80', accept = true}", "watchdog = 5", "watchdog"),
        ("{listen = 'tcp:80', accept = true}", "replicas = 2", "replicas"),
        ("{listen = 'tcp:80', accept = true}", "fd_store_max = 5", "fd_store_max"),
        ("{listen = 'tcp:80', accept = true}", "reload_signal = 'HUP'", "reload_signal"),
    ],
)
def test_key_is_refused_when_there_is_a_process_per_connection(
    sockets: str, more: str, key: str
) -> None:
    """What needs a main process, or a socket of the service's own, does not go with it."""
    text = f"[services.a]\ncommand = 'x'\nsockets = [{sockets}]\n{more}\n"
    with pytest.raises(ConfigError) as caught:
        load([parse_source("n", text)], {})
    assert [problem.path for problem in caught.value.problems] == [f"services.a.{key}"]
