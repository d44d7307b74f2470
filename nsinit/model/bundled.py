"""A bundle in the place of keys that a file could have: `[sandbox].bundle`. Pure.

What the file says itself goes before what the bundle says, key by key: as options go before files.
The process of the bundle is the service "main"; a [services.main] without a command says more
about it, and a command of the command line is run instead of the bundle's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from nsinit.bundles.read import Findings
from nsinit.bundles.translate import FILE, translate
from nsinit.errors import ConfigError
from nsinit.model.dockerprofile import ProfileError, parse_profile
from nsinit.model.report import Source
from nsinit.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.bundles.translate import Bundle
    from nsinit.model.report import Report

MAIN: Final = "main"
_PATH: Final = ("sandbox", "bundle")
_ROOTS: Final = ("rootfs", "overlay", "image")
# Where the keys that are most often wrong come from: messages name the place in the bundle.
_WRITTEN: Final = {
    ("sandbox", "hostname"): ("hostname",),
    ("sandbox", "domainname"): ("domainname",),
    ("sandbox", "namespaces"): ("linux", "namespaces"),
    ("sandbox", "users"): ("linux", "uidMappings"),
    ("sandbox", "time_offsets"): ("linux", "timeOffsets"),
    ("sandbox", "sysctls"): ("linux", "sysctl"),
    ("sandbox", "masked_paths"): ("linux", "maskedPaths"),
    ("sandbox", "readonly_paths"): ("linux", "readonlyPaths"),
    ("sandbox", "rootfs"): ("root", "path"),
    ("sandbox", "resources"): ("linux", "resources"),
}


def take_in_bundle(
    tables: dict[str, Any], report: Report, read: Callable[[str], str]
) -> Bundle | None:
    """Put what a bundle says beside what the tables say; None if there is no use in it.

    `read` raises ConfigError. What is wrong with the bundle is told with its key there.
    """
    sandbox = tables["sandbox"]
    asked = sandbox["bundle"]
    if not isinstance(asked, str) or not asked:
        if asked == "":
            report.error(_PATH, "the path is empty")
        return None  # another type is for `decode` to tell
    directory = os.path.abspath(asked)
    file = os.path.join(asked, FILE)
    findings = Findings(file)
    try:
        found = translate(read(file), directory, findings)
    except ConfigError as error:
        report.problems += error.problems
        return None
    if found is not None:
        _check_profile(found.service["seccomp"], findings)
    report.problems += findings.problems
    report.warnings += findings.warnings
    if found is None or findings.problems:
        return None
    for key in _ROOTS:
        if key in sandbox:
            report.error(
                ("sandbox", key), "the bundle has a root of its own", "give one of the two"
            )
    report.sources.append(Source(file, "", {"sandbox": found.sandbox, "services": {}}))
    for ours, theirs in _WRITTEN.items():
        if ours[1] not in sandbox:
            report.written[ours] = theirs
    tables["sandbox"] = _merged(found.sandbox, sandbox)
    _put_main(tables["services"], found.service, report)
    return found.bundle


def _check_profile(seccomp: dict[str, str], findings: Findings) -> None:
    text = seccomp["profile"]
    if not text.startswith("{"):
        return
    try:
        parse_profile(text)
    except ProfileError as error:
        place = f"linux.seccomp.{error.place}" if error.place else "linux.seccomp"
        findings.problems.append(Problem(findings.file, 0, place, str(error)))


def _merged(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    made = theirs | ours
    for key, value in theirs.items():
        if isinstance(value, dict) and isinstance(ours.get(key), dict):
            made[key] = value | ours[key]
    return made


def _put_main(services: dict[str, Any], theirs: dict[str, Any], report: Report) -> None:
    """Before the file's services, so that it is the first of equals."""
    ours = services.get(MAIN, {})
    if not isinstance(ours, dict):
        return  # for `decode` to tell
    path = ("services", MAIN, "command")
    if "command" in ours and not report.source_of(path).is_command:
        report.error(path, "the bundle gives one too", "call the service otherwise")
    made = _merged(theirs, ours)
    rest = {name: table for name, table in services.items() if name != MAIN}
    services.clear()
    services.update({MAIN: made, **rest})
