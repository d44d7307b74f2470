"""The rules of a sandbox as text: what is in them, and what is not."""

from __future__ import annotations

import ipaddress

from nsinit.model.publish import Publish
from nsinit.network.firewall import Link, Rules, needs, ruleset, uses_loopback
from nsinit.network.usermode import pasta, slirp4netns

FOUR, SIX = ipaddress.ip_interface("10.9.0.2/24"), ipaddress.ip_interface("fd09::2/64")
BOTH = (Link("br0", (FOUR, SIX)),)


def rules(*ports: str, nat: bool = False, links: tuple[Link, ...] = BOTH) -> Rules:
    """For these ports."""
    return Rules("nsinit-a", "1 2", links, tuple(Publish.read(list(ports))), nat)


def test_rules_are_one_transaction_when_there_is_an_older_table() -> None:
    """It is replaced, and each chain is there only when it has something to do.

    Where there is none, nothing is deleted: the kernel would wait for that.
    """
    came = 'oifname "br0" ip saddr { 10.9.0.0/24, 127.0.0.0/8 } ip daddr { 10.9.0.2 }'
    wanted = rules("8080:80", links=(Link("br0", (FOUR,)),))
    older = ["table inet nsinit-a", "delete table inet nsinit-a"]
    made = ruleset(wanted, replaces=False).splitlines()
    assert ruleset(wanted, replaces=True).splitlines() == older + made
    assert made == [
        "table inet nsinit-a {",
        '  comment "1 2"',
        "  chain raw {",
        "    type filter hook prerouting priority -300; policy accept;",
        '    iifname "br0" ip daddr 127.0.0.0/8 drop',
        "  }",
        "  chain prerouting {",
        "    type nat hook prerouting priority -100; policy accept;",
        "    meta nfproto ipv4 fib daddr type local tcp dport 8080 dnat ip to 10.9.0.2:80",
        "  }",
        "  chain output {",
        "    type nat hook output priority -100; policy accept;",
        "    meta nfproto ipv4 fib daddr type local tcp dport 8080 dnat ip to 10.9.0.2:80",
        "  }",
        "  chain postrouting {",
        "    type nat hook postrouting priority 100; policy accept;",
        f"    {came} ct status dnat masquerade",
        "  }",
        "}",
    ]


def test_port_is_for_the_host_alone_when_it_is_on_loopback() -> None:
    """Whoever sends to 127.0.0.1 from elsewhere finds no rule that leads on."""
    text = ruleset(rules("127.0.0.1:8080:80"), replaces=False)
    assert "chain prerouting" not in text
    assert "ip daddr 127.0.0.1 tcp dport 8080 dnat ip to 10.9.0.2:80" in text


def test_ranges_keep_their_numbers_when_they_are_the_same() -> None:
    """And are mapped one by one when they are not."""
    text = ruleset(
        rules("70-72:70-72/udp", "8-9:1-2", links=(Link("br0", (SIX,)),)), replaces=False
    )
    assert "udp dport 70-72 dnat ip6 to fd09::2\n" in text
    assert "tcp dport 8-9 dnat ip6 to [fd09::2]:tcp dport map { 8 : 1, 9 : 2 }\n" in text
    assert "ip daddr" not in text


def test_only_nat_hides_a_sandbox_when_there_are_several_interfaces() -> None:
    """All of them are masqueraded; ports lead to the first address."""
    two = (*BOTH, Link("br1", (ipaddress.ip_interface("10.8.0.2/24"),)))
    text = ruleset(rules("80:80", nat=True, links=two), replaces=False)
    assert 'oifname != "br1" ip saddr { 10.8.0.2 } masquerade' in text
    assert 'iifname != "br1" oifname "br1" ip daddr { 10.8.0.2 } ct state new' in text
    assert "to 10.8.0.2" not in text
    assert "chain forward" not in ruleset(rules("80:80", links=two), replaces=False)


def test_versions_of_ip_are_forwarded_when_they_are_used() -> None:
    """127.0.0.1 is answered only for ports that can be used by it."""
    assert needs(rules(nat=True)) == {4, 6}
    assert needs(rules("[::]:80:80")) == {6}
    assert needs(rules()) == set()
    assert uses_loopback(rules("192.0.2.1:80:80", "[::]:81:81")) == []
    assert uses_loopback(rules("80:80")) == ["br0"]


def test_options_say_each_port_when_a_program_makes_the_network() -> None:
    """Nothing else comes in."""
    ports = Publish.read(["8080:80", "[::1]:53-54:3-4/udp"])
    words = pasta("/usr/bin/pasta", 7, ports, "eth0").words
    assert words[words.index("-t") :] == (
        *("-t", "8080:80", "-u", "::1/53-54:3-4", "-T", "none", "-U", "none", "7"),
    )
    assert pasta("/p", 7, [], "eth0").words.count("none") == 4
    call = slirp4netns("/p", 7, Publish.read(["127.0.0.1:8-9:1-2"]), "/run/s", 3)
    assert call.words[-3:] == ("--api-socket=/run/s", "7", "tap0")
    assert [request.count('"host_addr": "127.0.0.1"') for request in call.requests] == [1, 1]
    assert slirp4netns("/p", 7, [], "/run/s", 3).requests == ()
