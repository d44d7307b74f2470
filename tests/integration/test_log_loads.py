"""The loads of `scripts/loadlogs`, small: each byte is there or counted, each line is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.loads import blocked, chatty, through_console, through_file, through_syslog

if TYPE_CHECKING:
    import pathlib

SIZE = 8 << 20


@pytest.mark.parametrize("form", ["raw", "time", "json"])
def test_every_byte_is_in_the_files_when_a_service_writes_a_lot(
    tmp_path: pathlib.Path, form: str
) -> None:
    """Nothing is dropped: files do not wait for anybody."""
    result = through_file(tmp_path, SIZE, form)
    assert result.is_right, result
    assert result.dropped == 0


@pytest.mark.parametrize("form", ["text", "time", "json"])
def test_every_byte_is_there_or_counted_when_stdout_is_read(
    tmp_path: pathlib.Path, form: str
) -> None:
    """By somebody who may be slower than the service."""
    result = through_console(tmp_path, SIZE, form)
    assert result.is_right, result


@pytest.mark.parametrize("kind", ["dgram", "tcp"])
def test_every_byte_is_there_or_counted_when_it_goes_to_syslog(
    tmp_path: pathlib.Path, kind: str
) -> None:
    """Likewise."""
    result = through_syslog(tmp_path, SIZE, kind)
    assert result.is_right, result


def test_lines_are_whole_when_they_are_written_in_pieces(tmp_path: pathlib.Path) -> None:
    """All of them, with the right name."""
    written, whole = chatty(tmp_path, 1.0)
    assert written == whole > 0


def test_init_works_when_nobody_reads_its_output(tmp_path: pathlib.Path) -> None:
    """Control answers, victims come back, and the count of what was dropped is right."""
    found = blocked(tmp_path, 1.5, lambda _: None)
    assert found.result.is_right, found
    assert found.result.dropped > 0
    assert found.restarts > 0
