"""Several steps or listeners, and errors of some of them."""

from __future__ import annotations

import pytest

from nsinit.runtime.telling import Whole, tell_each


def _fail(*_: object) -> None:
    raise ValueError("the first")


def test_all_hear_when_one_of_them_raises() -> None:
    """The first error comes out when everybody has heard."""
    heard: list[str] = []

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(ValueError, match="the first"):
        tell_each([heard.append, _fail, interrupt, heard.append], "news")
    assert heard == ["news", "news"]


def test_each_step_is_done_when_one_before_it_failed() -> None:
    """What they return is known, None of what has failed; the end raises."""
    whole = Whole()
    assert [whole.do(len, "abc"), whole.do(_fail), whole.do(len, "ab")] == [3, None, 2]
    with pytest.raises(ValueError, match="the first"):
        whole.end()
    Whole().end()
