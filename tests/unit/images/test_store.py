"""What is known of the images in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ImageError
from nsinit.images.kept import Kept, Platform, RunConfig
from nsinit.images.store import Store

if TYPE_CHECKING:
    import pathlib


def test_nothing_is_removed_when_the_names_are_damaged(tmp_path: pathlib.Path) -> None:
    """Without a name an image is needed by nobody: so what can't be read is not taken for none."""
    store = Store(str(tmp_path / "images"))
    store.prepare()
    made = Kept(id="1", layers=[], config=RunConfig(), platform=Platform("amd64", "linux"),
                ids="kept", sizes=[], imported_at=0.0)  # fmt: skip
    assert store.publish("1", made, ["shop:1"], {}) == []
    names = tmp_path / "images/names.json"
    names.write_text("")
    with pytest.raises(ImageError, match=r"names\.json: it is damaged"):
        store.publish("2", made, ["shop:2"], {})
    names.write_text('{"shop:1": "1"}')
    assert store.find("shop:1") == ("1", made)
