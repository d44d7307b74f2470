"""Addresses, URLs, headers and patterns as people write them."""

from __future__ import annotations

import pytest

from nsinit.model.probing import (
    Target,
    compile_pattern,
    explodes,
    parse_address,
    parse_url,
    request,
)
from nsinit.model.spec import Http

LOCAL = (("127.0.0.1", 80), ("::1", 80))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("80", ("localhost", 80)),
        (":80", ("localhost", 80)),
        ("localhost:80", ("localhost", 80)),
        ("127.0.0.1:65535", ("127.0.0.1", 65535)),
        ("[::1]:1", ("::1", 1)),
    ],
)
def test_address_is_read_when_it_has_a_port(text: str, address: tuple[str, int]) -> None:
    """Without a host it is this machine."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", ":", "x", "db:80", "::1:80", "[::1]", "[127.0.0.1]:80", "1.2.3.4", "1.2.3.4:0",
     "[fe80::1%lo]:80",
     "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4: 80", "\u0661:80", "a\0:80", "1.2.3.4:\u0661"],
)  # fmt: skip
def test_address_is_refused_when_it_would_have_to_be_looked_up(text: str) -> None:
    """Or is none at all."""
    with pytest.raises(ValueError, match=r"address|port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://localhost", Target(LOCAL, "localhost", "/")),
        ("HTTP://localhost:80?x=y#z", Target(LOCAL, "localhost:80", "/?x=y")),
        ("http://[::1]/a:b/c", Target((("::1", 80),), "[::1]", "/a:b/c")),
        ("http://[::1]:8080/%20", Target((("::1", 8080),), "[::1]:8080", "/%20")),
        ("http://1.2.3.4:8/", Target((("1.2.3.4", 8),), "1.2.3.4:8", "/")),
    ],
)
def test_url_is_read_when_its_host_is_an_address(url: str, target: Target) -> None:
    """With the Host header as it was written."""
    assert parse_url(url) == target


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://1.2.3.4/", "https is not spoken"),
        ("ftp://1.2.3.4/", "expected http://"),
        ("1.2.3.4/", "expected http://"),
        ("http:///x", "names no host"),
        ("http://:80/x", "names no host"),
        ("http://u:p@1.2.3.4/", "a user in the URL"),
        ("http://db/", "is no address"),
        ("http://fe80::1/", "in brackets"),
        ("http://1.2.3.4/a b", "stand in no URL"),
        ("http://1.2.3.4/\r\nX: y", "stand in no URL"),
        ("http://1.2.3.4/é", "stand in no URL"),
    ],
)
def test_url_is_refused_when_it_can_not_be_asked(url: str, why: str) -> None:
    """In words that help."""
    with pytest.raises(ValueError, match=why):
        parse_url(url)


def test_request_has_the_headers_when_some_are_given() -> None:
    """Ours are replaced, in whatever case; the connection is for one answer."""
    http = Http(url="http://1.2.3.4/x", method="HEAD", headers={"host": "shop", "X-Y": "caf\u00e9"})
    assert request(http) == (
        b"HEAD /x HTTP/1.1\r\nUser-Agent: nsinit\r\nAccept: */*\r\nhost: shop\r\n"
        b"X-Y: caf\xc3\xa9\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("pattern", "bad"),
    [
        ("(a+)+", True), ("(a*)*b", True), ("(?:x(a{2,}))+", True), ("((a+))*", True),
        ("(a+){3,}", True), ("([)]+)*", True), (r"(\w+\s)*", True),
        ("(a|b)+", False), ("a+b*", False), ("(a+)(b+)", False), ("(a+)?", False),
        (r"(\+)+", False), ("([+*])+", False), ("([^]+])+", False), ("(a+){3}", False),
        (")+", False),
    ],
)  # fmt: skip
def test_pattern_explodes_when_a_repeat_is_in_a_repeat(pattern: str, bad: bool) -> None:
    """Characters that only look like one don't count."""
    assert explodes(pattern) == bad


@pytest.mark.parametrize("text", ["(", "[", "*", r"\8", "(?P<a", "[[a]", "a{99999999999999999999}"])
def test_pattern_is_refused_when_it_is_no_regular_expression(text: str) -> None:
    """Also when it will mean something else in a later Python."""
    with pytest.raises(ValueError, match="is no regular expression"):
        compile_pattern(text)
