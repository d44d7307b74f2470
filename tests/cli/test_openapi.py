"""`nsinit openapi`, without an init."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nsinit.control.commands import COMMANDS

if TYPE_CHECKING:
    from tests.cli.conftest import Type


def test_document_is_printed_when_asked_for(typed: Type) -> None:
    """Every row of the table with its method, access and parameters; errors are told."""
    done = typed("openapi")
    assert (done.returncode, done.stderr) == (0, "")
    paths = json.loads(done.stdout)["paths"]
    for row in COMMANDS:
        operation = paths[row.path][row.method.lower()]
        assert (operation["operationId"], operation["x-access"]) == (row.name, row.access)
        if row.method == "GET":
            names = [one["name"] for one in operation["parameters"]]
        else:
            content = operation.get("requestBody", {}).get("content", {})
            names = list(
                content.get("application/json", {}).get("schema", {}).get("properties", {})
            )
        assert names == [param.name for param in row.params]
    assert typed("openapi", "--help").stdout.startswith("usage: nsinit openapi")
    done = typed("openapi", "x")
    assert (done.returncode, "hint: nsinit openapi --help" in done.stderr) == (2, True)
