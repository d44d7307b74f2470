"""Targets and forms are read as the standard library reads them."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.control import targets

PIECES = ["%", "%4", "%41", "%zz", "%c3%a9", "%ff", "+", "a", "é", "=", "&", ";", "%00", "%%", " "]
TEXT = st.lists(st.sampled_from(PIECES)).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"])
)


@given(TEXT)
def test_text_is_unquoted_when_it_has_anything_in_it(text: str) -> None:
    """What is no byte stays, what is no UTF-8 becomes a surrogate."""
    assert targets.unquoted(text) == unquote(text, errors="surrogateescape")


@given(TEXT)
def test_form_is_read_when_it_has_anything_in_it(text: str) -> None:
    """Empty values count, empty fields do not."""
    wanted = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    assert targets.pairs(text) == wanted


def test_form_is_refused_when_it_has_too_many_fields() -> None:
    """A thousand is the most."""
    assert len(targets.pairs("a&" * 999 + "a")) == 1000
    with pytest.raises(ValueError, match="1000"):
        targets.pairs("a&" * 1000 + "a")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v1/%73?a=%20#x", "/v1/s", "a=%20"),
        ("http://localhost/v1/x?b", "/v1/x", "b"),
        ("http://[::1]:80", "/", ""),
        ("/a://b", "/a://b", ""),
        ("*", "*", ""),
        ("", "", ""),
    ],
)
def test_target_is_split_when_it_has_a_form_of_http(target: str, path: str, query: str) -> None:
    """The origin form, the absolute form, and that of OPTIONS (RFC 9112, 3.2)."""
    assert targets.split(target) == (path, query)


def test_target_is_refused_when_its_host_is_no_address() -> None:
    """A bracket that is not closed."""
    with pytest.raises(ValueError, match="no host"):
        targets.split("http://[::1/v1/list")
